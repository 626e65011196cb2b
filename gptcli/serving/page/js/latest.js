// Keep only the latest of many questions: wait for a pause, let go of the earlier request, drop what comes too late.

/**
 * Return ask(...values), which calls work(signal, ...values) once nothing was asked for `milliseconds`, and hands its
 * result to `done` or its error to `failed` unless a later question has taken its place. ask.cancel() lets go of all.
 */
export function latest({ milliseconds, work, done, failed }) {
  let timer = 0;
  let controller = new AbortController();
  const run = async (signal, values) => {
    try {
      const result = await work(signal, ...values);
      if (!signal.aborted) done(result, ...values);
    } catch (error) {
      if (!signal.aborted) failed(error, ...values);
    }
  };
  const ask = (...values) => {
    ask.cancel();
    controller = new AbortController();
    const { signal } = controller;
    timer = setTimeout(() => run(signal, values), milliseconds);
  };
  ask.cancel = () => {
    clearTimeout(timer);
    controller.abort();
  };
  return ask;
}
