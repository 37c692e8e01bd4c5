/**
 * What may be logged of an error of Postgres: its message without the values that a statement brought. Its detail and hint are
 * left out altogether: "Failing row contains (…)" shows a whole row.
 */
export function toLoggedDatabaseMessage(sqlState: string | undefined, message: string): string {
  // "invalid input syntax for type integer: "…"", "syntax error at or near "…"": what stands in quotes was sent to us.
  const quotesValues = sqlState === undefined || sqlState.startsWith('22') || sqlState === '42601'
  return quotesValues ? message.replace(/"[^"]*"?|'[^']*'?/g, '"…"') : message
}
