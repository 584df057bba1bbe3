import type { Lock } from './lock.ts';

/** Standards that the lock speaks to, each control with where its evidence lies. Part of what is signed. */
export const COMPLIANCE: Lock['compliance'] = [
  {
    standard: 'TRD v2.2',
    controls: [
      { id: 'model-integrity', title: 'SHA-256 digests for all artifacts', evidence: 'manifest of this lock' },
      {
        id: 'digital-signatures',
        title: 'ECDSA (secp256k1) signatures',
        evidence: 'signatures of this lock; smartlite verify --export',
      },
      { id: 'safe-mode', title: 'Automatic activation on mismatch', evidence: 'mode.changed entries of the audit trail' },
      { id: 'audit-trail', title: 'Retention of 365 days', evidence: 'smartlite audit verify' },
      { id: 'sbom', title: 'Bill of materials of the models', evidence: 'sbom digest of this lock; smartlite sbom' },
    ],
  },
  {
    standard: 'ISO 27001',
    controls: [
      { id: 'A.8.9', title: 'Configuration management', evidence: 'pack digest, sequence and previous lock of this lock' },
      { id: 'A.8.15', title: 'Logging', evidence: 'audit trail' },
      { id: 'A.8.24', title: 'Use of cryptography', evidence: 'certificates and keys: smartlite keys list' },
    ],
  },
  {
    standard: 'SOC 2 Type II',
    controls: [
      { id: 'CC6.1', title: 'Logical access', evidence: 'NATS permissions in deploy/nats, API keys of the gateway' },
      { id: 'CC7.2', title: 'Monitoring for anomalies', evidence: 'verification.failed events, ops/alerts.yaml' },
      { id: 'CC8.1', title: 'Change management', evidence: 'signature.made entries of the audit trail' },
    ],
  },
];
