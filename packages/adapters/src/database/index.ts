export { createDatabaseAdapter, type DatabaseAdapter, type DatabaseAdapterDependencies } from './adapter.ts'
export { probe } from './probe.ts'
