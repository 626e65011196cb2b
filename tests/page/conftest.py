"""What tests of the page share: a browser, and a tab of it."""

from tests.browser import browser as browser
from tests.browser import visit as visit
from tests.page.canned import playground as playground
from tests.page.modules import module_page as module_page
