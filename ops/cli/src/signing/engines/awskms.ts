import { AwsClient } from 'aws4fetch';
import { normaliseLowS, parseDerSignature } from '@smartlite/trust';
import { z } from 'zod';
import { Problem } from '../../problem.ts';
import type { KeySource } from '../source.ts';

/** KMS answers within a second; a command does not wait for ever. */
const ANSWER_MS = 10_000;

const publicKeySchema = z.object({ KeySpec: z.string(), KeyUsage: z.string(), PublicKey: z.base64() });
const signatureSchema = z.object({ Signature: z.base64() });
const faultSchema = z.object({ __type: z.string().optional(), message: z.string().optional(), Message: z.string().optional() });

/**
 * `awskms:ARN`: a key of AWS KMS with the spec ECC_SECG_P256K1, which never leaves it. Credentials and endpoint come from AWS's own
 * variables (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_ENDPOINT_URL_KMS). KMS answers in DER, with S in the
 * upper half every other time: parsed strictly and made low-S here.
 */
export async function openAwsKms(source: string): Promise<KeySource> {
  const { keyId, region } = partsOf(source);
  const call = kms(region);
  const key = publicKeySchema.parse(await call('GetPublicKey', { KeyId: keyId }));
  if (key.KeySpec !== 'ECC_SECG_P256K1' || key.KeyUsage !== 'SIGN_VERIFY')
    throw new Problem(
      `${source} is a key ${key.KeySpec} for ${key.KeyUsage}.`,
      'Make one with spec ECC_SECG_P256K1 for SIGN_VERIFY.',
    );
  return {
    name: source,
    spki: Buffer.from(key.PublicKey, 'base64'),
    async sign(digest) {
      const request = {
        KeyId: keyId,
        Message: Buffer.from(digest).toString('base64'),
        MessageType: 'DIGEST',
        SigningAlgorithm: 'ECDSA_SHA_256',
      };
      const { Signature: der } = signatureSchema.parse(await call('Sign', request));
      return normaliseLowS(parseDerSignature(Buffer.from(der, 'base64')));
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

function partsOf(source: string) {
  const keyId = source.replace(/^awskms:(\/\/\/?)?/, '');
  const [, region] = /^arn:aws[\w-]*:kms:([a-z0-9-]+):\d{12}:(?:key|alias)\/[\w/-]+$/.exec(keyId) ?? [];
  if (region === undefined)
    throw new Problem(`--key ${source}: no ARN of a KMS key.`, 'Give awskms:arn:aws:kms:REGION:ACCOUNT:key/ID.', { exitCode: 2 });
  return { keyId, region };
}

type Call = (operation: string, request: object) => Promise<unknown>;

function kms(region: string): Call {
  const accessKeyId = process.env['AWS_ACCESS_KEY_ID'];
  const secretAccessKey = process.env['AWS_SECRET_ACCESS_KEY'];
  const sessionToken = process.env['AWS_SESSION_TOKEN'];
  if (!accessKeyId || !secretAccessKey)
    throw new Problem('No credentials for AWS.', 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.', { exitCode: 2 });
  const client = new AwsClient({
    accessKeyId,
    secretAccessKey,
    ...(sessionToken && { sessionToken }),
    region,
    service: 'kms',
    retries: 2,
  });
  const url = process.env['AWS_ENDPOINT_URL_KMS'] ?? process.env['AWS_ENDPOINT_URL'] ?? `https://kms.${region}.amazonaws.com/`;
  return async (operation, request) => {
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `TrentService.${operation}` };
    const body = JSON.stringify(request);
    let response: Response;
    try {
      response = await client.fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(ANSWER_MS) });
    } catch (cause) {
      throw new Problem(`AWS KMS at ${url} does not answer.`, 'Check the network and AWS_ENDPOINT_URL_KMS.', { cause });
    }
    const answer = (await response.json().catch(() => ({}))) as unknown;
    if (response.ok) return answer;
    const { __type: type, message, Message } = faultSchema.safeParse(answer).data ?? {};
    throw new Problem(
      `AWS KMS refuses ${operation}: ${type ?? response.status} ${message ?? Message ?? ''}`.trim() + '.',
      'Check the ARN, the credentials, and that their policy allows kms:GetPublicKey and kms:Sign.',
    );
  };
}
