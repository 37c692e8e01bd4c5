import { errorEntries } from '../errors/entry.ts'

/** Supabase's own words for these stand in the gateway's realtime/wire.ts. */
export const REALTIME_ERRORS = errorEntries({
  'realtime.disabled': { kind: 'forbidden', sentence: 'Realtime is switched off for this project.' },
  'realtime.topic_missing': { kind: 'invalid_input', sentence: 'A channel needs a topic.' },
  'realtime.join_invalid': { kind: 'invalid_input', sentence: 'The channel cannot be joined with these parameters.' },
  'realtime.private_only': { kind: 'forbidden', sentence: 'This project has private channels only.' },
  'realtime.channel_forbidden': { kind: 'forbidden', sentence: 'The policies do not let you read from this channel.' },
  'realtime.send_forbidden': { kind: 'forbidden', sentence: 'The policies do not let you write to this channel.' },
  'realtime.policies_failed': { kind: 'invalid_input', sentence: 'The policies of this channel could not be evaluated.' },
  'realtime.replay_invalid': { kind: 'invalid_input', sentence: 'Messages can be replayed on private channels only, since a time.' },
  'realtime.message_invalid': { kind: 'invalid_input', sentence: 'The message is not one that can be sent.' },
  'realtime.payload_too_large': { kind: 'too_large', sentence: 'The payload is larger than the project allows.' },
  'realtime.presence_invalid': { kind: 'invalid_input', sentence: 'What is tracked must be an object.' },
  'realtime.changes_invalid': { kind: 'invalid_input', sentence: 'Changes cannot be subscribed to with these parameters.' },
  'realtime.too_many_connections': { kind: 'rate_limited', sentence: 'The project has too many connections.' },
  'realtime.too_many_channels': { kind: 'rate_limited', sentence: 'The connection has too many channels.' },
  'realtime.too_many_joins': { kind: 'rate_limited', sentence: 'Too many channels are joined a second.' },
  'realtime.too_many_messages': { kind: 'rate_limited', sentence: 'Too many messages are sent a second.' },
  'realtime.too_many_presences': { kind: 'rate_limited', sentence: 'Presence changes too many times a second.' },
})
