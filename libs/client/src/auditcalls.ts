import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { AuditServiceService, type QueryRequest, type QueryResponse } from '@smartlite/contracts';
import { meshErrorOf } from './unary.ts';

/** Ten thousand entries, the most that one question gives, are read within a second or two. */
const DEADLINE_MS = 30_000;

/** Calls to one audit service. They run in every mode. Failures are MeshErrors. */
export interface AuditCalls extends Disposable {
  /** The newest entries that match, in the log's order. What it says is as good as the service's word; `audit verify` proves the log. */
  query(request: QueryRequest): AsyncIterable<QueryResponse>;
}

/** Calls to the audit service at this address, `host:port` as discovery gives it. */
export function auditCalls(address: string): AuditCalls {
  const client = new Client(address, credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = AuditServiceService.query;
  return {
    async *query(request) {
      const deadline = Date.now() + DEADLINE_MS;
      const answers = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, { deadline });
      try {
        for await (const answer of answers) yield answer as QueryResponse;
      } catch (caught) {
        throw meshErrorOf(caught as ServiceError, 'audit service');
      }
    },
    [Symbol.dispose]: () => client.close(),
  };
}
