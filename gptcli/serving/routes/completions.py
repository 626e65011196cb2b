"""POST /v1/completions, as OpenAI's older interface has it."""

from fastapi import APIRouter

router = APIRouter()
