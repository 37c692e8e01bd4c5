import { closeSync, openSync, readSync } from 'node:fs'

/** What a process has used since its start, and holds now. */
export interface Usage {
  cpuMs: number
  memoryBytes: number
}

/** Linux counts CPU time for /proc in hundredths of a second, whatever the kernel's own tick is. */
const MS_PER_TICK = 10
const PAGE_BYTES = 4096

/** Reads what a process uses, by one small read that asks no other process. */
export interface UsageReader {
  /** Undefined when the process is gone, or the machine has no /proc. */
  read(): Usage | undefined
  close(): void
}

export function openUsageReader(pid: number): UsageReader {
  const buffer = Buffer.alloc(1024)
  let file: number | undefined
  try {
    file = openSync(`/proc/${pid}/stat`, 'r')
  } catch {
    file = undefined
  }
  return {
    read() {
      if (file === undefined) return undefined
      try {
        const length = readSync(file, buffer, 0, buffer.length, 0)
        const text = buffer.toString('latin1', 0, length)
        // The name, in brackets, may hold anything; what follows are numbers.
        const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
        return { cpuMs: (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK, memoryBytes: Number(fields[21]) * PAGE_BYTES }
      } catch {
        return undefined
      }
    },
    close() {
      if (file !== undefined) closeSync(file)
      file = undefined
    },
  }
}
