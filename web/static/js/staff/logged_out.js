/** @file Goes on to log out at the identity provider, which sends the browser back to the log-in page. */

import { one } from "../base/dom.js";

const onward = /** @type {HTMLAnchorElement} */ (one("#onward"));
location.replace(onward.href);
