import type { FastifyInstance } from 'fastify';
import { readFileSync } from 'node:fs';

/** Nothing but our own files, and no other page may show this one. */
const SECURITY = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'permissions-policy': 'microphone=(self), camera=(), geolocation=()',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
};
const FILES = [
  { path: '/', file: 'index.html', type: 'text/html' },
  { path: '/console.css', file: 'console.css', type: 'text/css' },
  { path: '/console.js', file: 'console.js', type: 'text/javascript' },
  { path: '/console-microphone.js', file: 'microphone.js', type: 'text/javascript' },
] as const;

/** The operator's page: mode, instances, models, last turns; and a way to ask, with a key. No build, no foreign code. */
export function operatorConsole(app: FastifyInstance): void {
  for (const { path, file, type } of FILES) {
    const content = readFileSync(new URL(`./console/${file}`, import.meta.url));
    app.get(path, async (_request, reply) => reply.headers(SECURITY).type(`${type}; charset=utf-8`).send(content));
  }
}
