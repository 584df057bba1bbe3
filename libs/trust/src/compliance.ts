import type { Lock } from './lock.ts';

/**
 * Standards that the lock speaks to, each control with where its evidence lies. Part of what is signed. Evidence is a list, divided by
 * semicolons, of paths of this project, commands to run, JSON pointers into the lock, or `none:` and why.
 */
export const COMPLIANCE: Lock['compliance'] = [
  {
    standard: 'TRD v2.2',
    controls: [
      {
        id: 'model-integrity',
        title: 'SHA-256 digests for all artifacts',
        evidence: '/manifest; npx smartlite verify; ops/runbooks/attacks.md',
      },
      {
        id: 'digital-signatures',
        title: 'ECDSA (secp256k1) signatures',
        evidence: '/signatures; npx smartlite verify --export DIR; test/attacks/vectors.test.ts',
      },
      {
        id: 'safe-mode',
        title: 'Automatic activation on mismatch',
        evidence: '/verification_policy; npx smartlite audit query --kind mode.changed; test/faults/verified-bytes.e2e.test.ts',
      },
      { id: 'audit-trail', title: 'Retention of 365 days', evidence: 'npx smartlite audit verify; services/audit/README.md' },
      { id: 'sbom', title: 'Bill of materials of the models', evidence: '/sbom/digest; npx smartlite sbom' },
      {
        id: 'vulnerability-scanning',
        title: 'Vulnerability scanning',
        evidence: 'none: no scan is bound to this lock, so its outcome is unknown',
      },
    ],
  },
  {
    standard: 'ISO 27001',
    controls: [
      { id: 'A.8.9', title: 'Configuration management', evidence: '/pack/digest; /sequence; /previous' },
      { id: 'A.8.15', title: 'Logging', evidence: 'npx smartlite audit query; services/audit/README.md' },
      { id: 'A.8.24', title: 'Use of cryptography', evidence: 'npx smartlite keys list; SECURITY.md' },
    ],
  },
  {
    standard: 'SOC 2 Type II',
    controls: [
      { id: 'CC6.1', title: 'Logical access', evidence: 'deploy/nats/permissions.json; npx smartlite clients list' },
      {
        id: 'CC7.2',
        title: 'Monitoring for anomalies',
        evidence: 'ops/alerts.yaml; npx smartlite audit query --kind verification.failed',
      },
      { id: 'CC8.1', title: 'Change management', evidence: 'npx smartlite audit query --kind signature.made' },
    ],
  },
];
