import { LOG_LEVELS, LOG_SERVICES, type LogEntry } from '@polder/core'
import type { LineRow, LogPlace } from './queries.ts'

/** A line as callers see it. */
export function toEntry(row: LineRow): LogEntry {
  return {
    id: `${row.segment}.${row.place}`,
    at: row.at,
    level: LOG_LEVELS[row.level] ?? 'info',
    service: LOG_SERVICES[row.service] ?? 'app',
    message: row.message,
    requestId: row.request_id,
    userId: row.user_id,
    ip: row.ip,
    method: row.method,
    path: row.path,
    status: row.status,
    durationMs: row.duration_ms,
    bytes: row.bytes,
    fields: row.fields === null ? null : (JSON.parse(row.fields) as Record<string, unknown>),
  }
}

export function toPlace(row: Pick<LineRow, 'at' | 'segment' | 'place'>): LogPlace {
  return { at: row.at.getTime(), segment: row.segment, place: Number(row.place) }
}

/** A place as the text that callers hand back. */
export function toCursor({ at, segment, place }: LogPlace): string {
  return `${at}.${segment}.${place}`
}

/** The place of a cursor; its form was checked by the schema. */
export function fromCursor(cursor: string): LogPlace {
  const [at = '0', segment = '0', place = '0'] = cursor.split('.')
  return { at: Number(at), segment, place: Number(place) }
}
