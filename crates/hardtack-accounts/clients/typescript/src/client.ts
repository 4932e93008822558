// A typed client for the JSON API. `schema.ts` is generated from the site's OpenAPI document.

import createClient, { type Client, type Middleware } from "openapi-fetch";
import type { paths } from "./schema.js";

/** Where the client finds the site's cookies. */
export interface Cookies {
  /** Returns the value of a cookie that scripts can read, such as `csrf_access_token`. */
  read(name: string): string | undefined;
  /** Adds the cookies to a request, unless the platform adds them, as browsers do. */
  send?(request: Request): void;
  /** Stores the cookies of a response, unless the platform stores them. */
  store?(response: Response): void;
}

/** The cookies of a browser. The page must be on the same origin as the site. */
export const browserCookies: Cookies = {
  read(name) {
    const pair = document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`));
    return pair?.slice(name.length + 1);
  },
};

/** The cookies of one site, for programs that run outside of a browser. The jar ignores paths and lifetimes. */
export class CookieJar implements Cookies {
  readonly #cookies = new Map<string, string>();

  read(name: string): string | undefined {
    return this.#cookies.get(name);
  }

  send(request: Request): void {
    const pairs = [...this.#cookies].map(([name, value]) => `${name}=${value}`);
    if (pairs.length > 0) request.headers.set("cookie", pairs.join("; "));
  }

  store(response: Response): void {
    for (const field of response.headers.getSetCookie()) {
      const [pair = "", ...attributes] = field.split(";");
      const [name = "", value = ""] = pair.split(/=(.*)/s);
      const isDeleted = attributes.some((attribute) => /^\s*max-age\s*=\s*0\s*$/i.test(attribute));
      if (isDeleted) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
  }
}

/** Creates a client of the site at `baseUrl`, such as `https://site.example`. */
export function createSiteClient(baseUrl: string, cookies: Cookies = browserCookies): Client<paths> {
  const client = createClient<paths>({ baseUrl });
  client.use(csrf(cookies));
  return client;
}

/**
 * Returns middleware that sends the CSRF token with each request that changes something. If the access token has
 * expired and the site does not refresh it automatically, the middleware refreshes the tokens and sends the request
 * again.
 */
export function csrf(cookies: Cookies): Middleware {
  const requests = new Map<string, Request>();

  /** Reads a CSRF cookie. Over https, the name of the cookie begins with `__Host-`. */
  function token(name: string): string {
    return cookies.read(`__Host-${name}`) ?? cookies.read(name) ?? "";
  }

  function prepare(request: Request): Request {
    request.headers.set("accept", "application/json");
    if (!["GET", "HEAD"].includes(request.method)) {
      const isRefresh = new URL(request.url).pathname === "/token/refresh";
      request.headers.set("x-csrf-token", token(isRefresh ? "csrf_refresh_token" : "csrf_access_token"));
    }
    cookies.send?.(request);
    return request;
  }

  return {
    onRequest({ request, id }) {
      const prepared = prepare(request);
      requests.set(id, prepared.clone());
      return prepared;
    },
    async onResponse({ response, id, options }) {
      cookies.store?.(response);
      const request = requests.get(id);
      requests.delete(id);
      if (response.status !== 401 || request === undefined) return undefined;
      const problem: unknown = await response.clone().json().catch(() => undefined);
      const url = isObject(problem) && typeof problem["refresh_url"] === "string" ? problem["refresh_url"] : undefined;
      if (url === undefined) return undefined;
      const refreshed = await options.fetch(prepare(new Request(new URL(url, request.url), { method: "POST" })));
      cookies.store?.(refreshed);
      if (!refreshed.ok) return undefined;
      const again = await options.fetch(prepare(request));
      cookies.store?.(again);
      return again;
    },
    onError({ id }) {
      requests.delete(id);
    },
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
