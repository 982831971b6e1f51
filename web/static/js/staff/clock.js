/** @file The page's one clock: the server's, as far as this browser knows it. */

import { pageData } from "../base/page_data.js";
import { ServerClock } from "../base/time.js";

export const clock = new ServerClock(pageData.server_ms);
