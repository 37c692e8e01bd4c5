export { createLogsAdapter, type LogsAdapter, type LoggedProject, type LogsAdapterDependencies, type WriteLogFacts } from './adapter.ts'
export { EXPORT_TYPES } from './encode-export.ts'
export { probe } from './probe.ts'
export { toLogLine } from './to-log-line.ts'
