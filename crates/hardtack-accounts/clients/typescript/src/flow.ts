// Uses the client against a running site: signs up, changes the account, logs in on another device,
// and logs this device out.
//
//   SITE=http://127.0.0.1:8080 npm run flow

import assert from "node:assert/strict";
import { CookieJar, createSiteClient } from "./client.js";

const site = process.env["SITE"] ?? "http://127.0.0.1:8080";
const username = `ada${Date.now()}`;
const password = "correct horse battery staple";
const newPassword = "a much longer phrase than before";

const laptop = createSiteClient(site, new CookieJar());
const phone = createSiteClient(site, new CookieJar());

const signedUp = await laptop.POST("/signup", { body: { username, password } });
assert.equal(signedUp.data?.username, username);

const wrong = await phone.POST("/login", { body: { username, password: "wrong" } });
assert.equal(wrong.error?.code, "wrong_credentials");
const loggedIn = await phone.POST("/login", { body: { username, password, remember: true } });
assert.equal(loggedIn.data?.id, signedUp.data.id);

const changed = await laptop.POST("/account/change_settings", { body: { display_name: "Ada" } });
assert.equal(changed.data?.display_name, "Ada");
// A misspelt member is refused by name.
const misspelt = await laptop.POST("/account/change_settings", { body: { ...{ displayname: "Ada" } } });
assert.equal(misspelt.error?.errors?.["displayname"]?.startsWith("This request has no such member."), true);

const devices = await laptop.GET("/account/sessions");
const other = devices.data?.sessions.find((session) => !session.current);
assert.ok(other !== undefined);
const revoked = await laptop.POST("/account/sessions/{id}/revoke", { params: { path: { id: other.id } } });
assert.equal(revoked.data?.revoked, 1);
assert.equal((await phone.GET("/account")).response.status, 401);

const body = { current_password: password, new_password: newPassword };
const secured = await laptop.POST("/account/password", { body });
assert.equal(secured.data?.display_name, "Ada");
assert.equal((await laptop.GET("/service")).data?.username, username);
assert.equal((await laptop.POST("/token/refresh")).response.status, 200);

const kinds = (await laptop.GET("/account/activity")).data?.activity.map((row) => row.kind) ?? [];
assert.ok(kinds.includes("password_changed") && kinds.includes("login_failed"), kinds.join());

assert.equal((await laptop.POST("/logout")).data?.logged_out, true);
assert.equal((await laptop.GET("/service")).response.status, 401);
console.log(`The typed client works with ${site}.`);
