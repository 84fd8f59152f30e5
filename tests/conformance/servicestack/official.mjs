// What all tests with the official client need of it: the client itself, as it was installed, and its shape of a request.
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const name = process.env.CLIENT_NAME ?? "@servicestack/client";
const entry = createRequire(path.join(process.env.CLIENT_FOLDER, "x.cjs")).resolve(name);
const loaded = await import(pathToFileURL(entry));
/** Of 1.x all of it is the default export. */
export const { JSV, JsonServiceClient, JsonApiClient } = loaded.JsonServiceClient ? loaded : loaded.default;

/** A request as `npx get-dtos typescript` writes it. */
export const dto = (typeName) =>
  class {
    constructor(init) {
      Object.assign(this, init);
    }
    getTypeName() {
      return typeName;
    }
    getMethod() {
      return "POST";
    }
    createResponse() {
      return {};
    }
  };
