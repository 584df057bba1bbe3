import type { Platform } from '@smartlite/chassis';
import { MeshError } from '@smartlite/contracts';
import { STATUS_CODES } from 'node:http';
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

function refusalFor(code: string | undefined): MeshError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new MeshError('request-timeout', 'the head of the request did not come in time');
  if (code === 'HPE_HEADER_OVERFLOW') return new MeshError('invalid-argument', 'the head of the request is too large');
  return new MeshError('invalid-argument', 'what was received is no HTTP/1.1 request');
}
