import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { Problem } from '../problem.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** `host:port`; a host of IPv6 stands in brackets. */
export function parseAddress(text: string, name: string): Address {
  const match = /^(?:\[(?<six>[^\]]+)\]|(?<host>[^:]+)):(?<port>\d{1,5})$/.exec(text);
  const port = Number(match?.groups?.['port']);
  const host = match?.groups?.['six'] ?? match?.groups?.['host'];
  if (host === undefined || !(port <= 65_535))
    throw new Problem(`${name}: "${text}" is no host:port.`, 'Write for example 127.0.0.1:8080.', { exitCode: 2 });
  return { host, port };
}

/** Makes sure that nobody listens there; else names the holder. Port 0 lets the system choose and is always free. */
export async function requireFree(address: Address, { what, setting }: { what: string; setting: string }): Promise<void> {
  const refused = await whyNotFree(address);
  if (refused === undefined) return;
  const other = `${setting}=127.0.0.1:${Math.max(address.port, 1_024) + 10}`;
  if (refused === 'EADDRNOTAVAIL' || refused === 'ENOTFOUND')
    throw new Problem(`${address.host}, for ${what}, is no address of this machine.`, `Choose one that is: ${other}.`);
  if (refused === 'EACCES')
    throw new Problem(`Port ${address.port} for ${what} may not be opened by this user.`, `Choose one above 1023: ${other}.`);
  const holder = holderOf(address.port);
  const who = holder ? `${holder.command} (process ${holder.pid})` : 'another process';
  throw new Problem(
    `Port ${address.port} for ${what} is taken by ${who}.`,
    `End that process, or choose another port: ${setting}=${address.host}:${address.port + 10}.`,
  );
}

export async function isFree(address: Address): Promise<boolean> {
  return (await whyNotFree(address)) === undefined;
}

/** The system's code for why nobody can listen there; undefined where somebody can. */
function whyNotFree({ host, port }: Address): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', ({ code = 'unknown' }: NodeJS.ErrnoException) => resolve(code));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/** Who listens on a TCP port of this machine, where the system tells (Linux; other users' processes only as root). */
export function holderOf(port: number): { readonly pid: number; readonly command: string } | undefined {
  const sockets = new Set(
    [...listeners('/proc/net/tcp', port), ...listeners('/proc/net/tcp6', port)].map((inode) => `socket:[${inode}]`),
  );
  if (sockets.size === 0) return undefined;
  const pid = pids().find((candidate) => openFiles(candidate).some((file) => sockets.has(file)));
  return pid === undefined ? undefined : { pid, command: readText(`/proc/${pid}/comm`).trim() };
}

/** Inodes of sockets in state 0A, listening, on that port: see proc_net_tcp(5). */
function listeners(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = readText(table)
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  return rows.filter((row) => row[3] === '0A' && row[1]?.endsWith(suffix)).flatMap((row) => row[9] ?? []);
}

function pids(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function openFiles(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`));
  } catch {
    return [];
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
