export { TrustError } from '../finding.ts';
export { pae } from '../pae.ts';
export type { Role } from '../certificates.ts';
export { asVerified, type Verified } from '../verified.ts';
