import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const listSchema = z.strictObject({ publish: z.array(z.string()).default([]), subscribe: z.array(z.string()).default([]) });
const schema = z.strictObject({
  /** Stream -> services that may purge or delete it, or messages of it. */
  append_only: z.record(z.string(), z.array(z.string())),
  roles: z.record(z.string(), listSchema),
});
export type PermissionTable = z.infer<typeof schema>;

/** A NATS user's permissions, in the words of the server's configuration. */
export interface Permissions {
  readonly publish: { readonly allow: readonly string[]; readonly deny: readonly string[] };
  readonly subscribe: { readonly allow: readonly string[] };
  /** A user may answer whoever asked it, once; nothing else reaches another's inbox. */
  readonly allow_responses: boolean;
}

/** Reads deploy/nats/permissions.json. */
export async function readPermissions(root: string): Promise<PermissionTable> {
  return schema.parse(JSON.parse(await readFile(join(root, 'deploy', 'nats', 'permissions.json'), 'utf8')));
}

/** Users that are no service of the mesh. A client is none of everyone: it reads, and asks for nothing else. The command line reads as a client too. */
const ROLES_OF_OTHERS: Readonly<Record<string, readonly string[]>> = { cli: ['everyone', 'client', 'cli'], client: ['client'] };

/** What one instance may do: what everyone may, what every service may, and what its service alone may. */
export function permissionsOf(table: PermissionTable, { service, instance }: { service: string; instance: string }): Permissions {
  const roles = ROLES_OF_OTHERS[service] ?? ['everyone', 'service', service];
  const lists = roles.flatMap((role) => table.roles[role] ?? []);
  const fill = (subject: string) => subject.replace('{service}', service).replace('{instance}', instance);
  return {
    publish: { allow: lists.flatMap((list) => list.publish).map(fill), deny: forbiddenStreams(table, service) },
    subscribe: { allow: lists.flatMap((list) => list.subscribe).map(fill) },
    allow_responses: service !== 'client',
  };
}

/** JetStream's requests that would take something out of a log which is not this service's own. */
function forbiddenStreams({ append_only: logs }: PermissionTable, service: string): string[] {
  const others = Object.entries(logs).filter(([, owners]) => !owners.includes(service));
  return others.flatMap(([stream]) =>
    ['DELETE', 'PURGE', 'MSG.DELETE', 'UPDATE'].map((request) => `$JS.API.STREAM.${request}.${stream}`),
  );
}
