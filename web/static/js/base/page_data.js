/** @file What the server tells the page's scripts (docs/contracts.md, "Pages"). */

/**
 * @typedef {object} PageData
 * @property {string} page
 * @property {string} csrf
 * @property {string} lang
 * @property {string} i18n_url
 * @property {number} server_ms
 * @property {string} live_path
 * @property {string} static_url
 * @property {{id: number, name: string, email: string, role: string, role_title: string} | null} user
 * @property {string[]} permissions
 */

const block = document.getElementById("page-data");

/** @type {PageData & Record<string, any>} */
export const pageData = {
  page: "",
  csrf: "",
  lang: document.documentElement.lang || "en",
  i18n_url: "",
  server_ms: Date.now(),
  live_path: "/live",
  static_url: "/static/",
  user: null,
  permissions: [],
  ...JSON.parse(block?.textContent || "{}"),
};
