export { connectMesh, type Credentials, type Mesh, type MeshOptions } from './mesh.ts';
export { type EventsOptions, type Gap, type MeshEvent, type Refused } from './events.ts';
export { type MeshGuard } from './guard.ts';
export { type MeshAlert } from './alerts.ts';
export { type LockNews } from './lock.ts';
export { verifierCalls, type VerifierCalls } from './calls.ts';
export { auditCalls, type AuditCalls } from './auditcalls.ts';
export { budgetCalls, type BudgetCalls } from './budgetcalls.ts';
