import { registerHooks } from 'node:module';

/**
 * Imports a JavaScript module from the very bytes that were verified: loader hooks hand them to the runtime, and no file is read.
 * The module sees a file URL of its own digest as `import.meta.url`: glue code made by Emscripten cannot do with a `data:` URL.
 */
export async function importVerified(bytes: Uint8Array, digest: string): Promise<unknown> {
  // A name that no loader would look up on disk; without the hooks below it is a syntax error.
  const name = `data:text/javascript,${encodeURIComponent(`verified ${digest}`)}`;
  const url = `file:///verified/${encodeURIComponent(digest)}.mjs`;
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      specifier === name ? { url, format: 'module', shortCircuit: true } : next(specifier, context),
    load: (loaded, context, next) =>
      loaded === url ? { format: 'module', source: bytes, shortCircuit: true } : next(loaded, context),
  });
  try {
    return await import(name);
  } finally {
    hooks.deregister();
  }
}
