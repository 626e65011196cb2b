"""What tests of the page share: a browser, a tab of it, and the playground with canned answers or with real ones."""

from tests.browser import browser as browser
from tests.browser import visit as visit
from tests.page.canned import playground as playground
from tests.page.modules import module_page as module_page
from tests.page.served import address as address
from tests.page.served import served as served
