import type { Platform } from '@smartlite/chassis';
import { MeshError } from '@smartlite/contracts';
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { refusalOf } from './failure.ts';
import { traceparentOf } from './traceparent.ts';

/** Answers what is no HTTP, or a head that did not come in time: there is no request yet, so it is written by hand, and is the last. */
export function rawRefusal({ code }: NodeJS.ErrnoException, socket: Socket, platform: Platform): void {
  if (code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const { status, body } = refusalOf(refusalFor(code));
  const text = JSON.stringify(body);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(text)}`,
    'connection: close',
    `x-request-id: ${platform.ids.uuid()}`,
    `traceparent: ${traceparentOf(undefined, platform)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`, () => socket.destroy());
}

/** Answers a path that is no URL: the router refuses it before any hook has named the request. */
export function pathRefusal(id: string, { headers }: IncomingMessage, response: ServerResponse, platform: Platform): void {
  const { status, body } = refusalOf(new MeshError('invalid-argument', 'the path of the request is no URL that can be read'));
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'x-request-id': id,
    traceparent: traceparentOf(headers['traceparent'], platform),
  });
  response.end(JSON.stringify(body));
}

function refusalFor(code: string | undefined): MeshError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new MeshError('request-timeout', 'the head of the request did not come in time');
  if (code === 'HPE_HEADER_OVERFLOW') return new MeshError('invalid-argument', 'the head of the request is too large');
  return new MeshError('invalid-argument', 'what was received is no HTTP/1.1 request');
}
