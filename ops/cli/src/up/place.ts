import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where one mesh's files lie: the checkout and its `.smartlite` directory. */
export interface Place {
  readonly root: string;
  readonly state: string;
  readonly pack: string;
  readonly lock: string;
  readonly trust: string;
  /** The highest lock that was ever verified here. */
  readonly mark: string;
  /** Signing key, its certificate and the certificates of the authorities, by the names of the contract. */
  readonly certs: string;
  readonly models: string;
  readonly downloads: string;
  readonly modelsRecord: string;
  readonly keys: string;
  readonly apiKey: string;
  readonly clients: string;
  readonly nats: string;
  readonly run: string;
  readonly meshFile: string;
  readonly identities: string;
  readonly logs: string;
  readonly audit: string;
  readonly auditLog: string;
}

const ROOT = resolve(import.meta.dirname, '..', '..', '..', '..');

/**
 * The checkout's own places. SMARTLITE_HOME moves the state, and with it lock, certificates and audit log: a home of its own is a trust
 * domain of its own. `pack` names another pack than the project's.
 */
export function findPlace(environment: NodeJS.ProcessEnv = process.env, { pack }: { pack?: string | undefined } = {}): Place {
  const home = environment['SMARTLITE_HOME'];
  const state = absolute(home ?? join(ROOT, '.smartlite'));
  const shared = (...parts: string[]) => (home ? join(state, parts.at(-1) ?? '') : join(ROOT, ...parts));
  const inState = (...parts: string[]) => join(state, ...parts);
  return {
    root: ROOT,
    state,
    pack: absolute(pack ?? environment['SMARTLITE_PACK'] ?? join(ROOT, 'ops', 'MODEL_PACK.json')),
    lock: absolute(environment['SMARTLITE_LOCK'] ?? shared('ops', 'MODEL_LOCK.json')),
    trust: absolute(environment['SMARTLITE_TRUST'] ?? inState('trust.json')),
    mark: inState('mark.json'),
    certs: absolute(environment['SMARTLITE_CERTS'] ?? shared('ops', 'certs')),
    models: absolute(environment['SMARTLITE_MODELS'] ?? inState('models')),
    downloads: inState('downloads'),
    modelsRecord: inState('models.json'),
    keys: inState('keys'),
    apiKey: inState('keys', 'api-key'),
    clients: inState('keys', 'clients.json'),
    nats: inState('nats'),
    run: inState('run'),
    meshFile: inState('run', 'mesh.json'),
    identities: inState('run', 'identity'),
    logs: inState('log'),
    audit: absolute(environment['SMARTLITE_AUDIT_DIR'] ?? inState('audit')),
    auditLog: absolute(environment['SMARTLITE_AUDIT_LOG'] ?? shared('logs', 'audit', 'model_verification.log')),
  };
}

function absolute(path: string): string {
  return resolve(path.replace(/^~(?=\/)/, homedir()));
}
