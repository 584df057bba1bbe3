import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { connect, type NatsConnection } from 'nats';
import { expect, it } from 'vitest';
import './natssocket.ts';

/** A NATS server as far as a connection needs one; it ends the connection when it hears GOODBYE. */
async function server() {
  const tcp = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write('INFO {"server_id":"x","version":"2.9.10","proto":1,"headers":true,"max_payload":1048576}\r\n');
    socket.on('data', (data) => {
      if (data.includes('PING')) socket.write('PONG\r\n');
      if (data.includes('GOODBYE')) socket.end();
    });
  });
  tcp.listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const address = tcp.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { url: `127.0.0.1:${address.port}`, [Symbol.dispose]: () => void tcp.close() };
}

const protocolOf = (nats: NatsConnection) =>
  (nats as unknown as { protocol: { transport: { socket: Socket }; flushPending(): void } }).protocol;

it('a connection that the server ends and the client gives up in the same moment fails by itself, not with the process', async () => {
  using nats = await server();
  const uncaught: unknown[] = [];
  const note = (error: unknown) => void uncaught.push(error);
  process.on('uncaughtException', note);
  try {
    const connection = await connect({ servers: nats.url, reconnect: false });
    const protocol = protocolOf(connection);
    const { socket } = protocol.transport;
    const end = socket.end.bind(socket);
    // The client answers the server's end with its own; what it writes after that is an error of the socket, told a moment later.
    socket.end = (() => {
      end();
      connection.publish('too late');
      protocol.flushPending();
      void connection.close();
      return socket;
    }) as typeof socket.end;
    connection.publish('GOODBYE');
    await connection.closed();
    await new Promise(setImmediate);
    expect(uncaught).toEqual([]);
    expect(socket.destroyed).toBe(true);
  } finally {
    process.off('uncaughtException', note);
  }
});
