import path from 'node:path'
import ts from 'typescript'

/**
 * Writes the exported types of a file out in full, so that nothing they were computed from (the server's router, its
 * context, schemas) is needed to read them. Throws for what is not plain data.
 */
export function expandTypes(file: string, names: readonly string[]): string {
  const configFile = path.resolve(path.dirname(file), '../tsconfig.json')
  const parsed = ts.getParsedCommandLineOfConfigFile(
    configFile,
    {},
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: (diagnostic) => fail(diagnostic.messageText) },
  )
  const program = ts.createProgram([file], { ...parsed?.options, noEmit: true })
  const checker = program.getTypeChecker()
  const source = program.getSourceFile(file) ?? fail(`${file} cannot be read`)
  const wrong = ts.getPreEmitDiagnostics(program, source)
  if (wrong.length > 0)
    fail(ts.formatDiagnostics(wrong, { getCanonicalFileName: (name) => name, getCurrentDirectory: () => '.', getNewLine: () => '\n' }))
  const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(source) ?? fail(`${file} is no module`))
  return names
    .map((name) => {
      const symbol = exported.find((one) => one.name === name) ?? fail(`${file} exports no ${name}`)
      const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
      return `export type ${name} = ${print(checker, checker.getDeclaredTypeOfSymbol(target), name, [])}\n`
    })
    .join('\n')
}

function print(checker: ts.TypeChecker, type: ts.Type, at: string, above: ts.Type[]): string {
  if (type.flags & ts.TypeFlags.Any) return fail(`${at} is any: a type of the server's is missing`)
  if (type.flags & (ts.TypeFlags.Unknown | PRIMITIVES)) return checker.typeToString(type, undefined, ts.TypeFormatFlags.NoTruncation)
  // zod's name for whatever JSON can say, which contains itself.
  if (type.aliasSymbol?.name === 'JSONType') return 'unknown'
  if (above.includes(type)) return fail(`${at} contains itself`)
  const inner = (part: ts.Type, name: string) => print(checker, part, `${at}.${name}`, [...above, type])
  if (type.isUnion()) return printUnion(type, inner)
  if (checker.isArrayType(type)) return `Array<${inner(checker.getTypeArguments(type as ts.TypeReference)[0] ?? fail(at), '[]')}>`
  if (type.getCallSignatures().length + type.getConstructSignatures().length > 0) return fail(`${at} is a function`)
  if (!(type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection))) return fail(`${at} is ${checker.typeToString(type)}`)
  const fields = checker.getPropertiesOfType(type).map((property) => {
    const isOptional = Boolean(property.flags & ts.SymbolFlags.Optional)
    const value = inner(checker.getTypeOfSymbol(property), property.name)
    return `${JSON.stringify(property.name)}${isOptional ? '?' : ''}: ${value}`
  })
  for (const { keyType, type: value } of checker.getIndexInfosOfType(type))
    fields.push(`[key: ${checker.typeToString(keyType)}]: ${inner(value, '[key]')}`)
  return fields.length === 0 ? 'Record<string, never>' : `{ ${fields.join('; ')} }`
}

/** `boolean` is a union of two literals to the compiler, but one word to people. */
function printUnion(type: ts.UnionType, inner: (part: ts.Type, name: string) => string): string {
  const booleans = type.types.filter((part) => part.flags & ts.TypeFlags.BooleanLiteral)
  const parts = booleans.length === 2 ? type.types.filter((part) => !booleans.includes(part)) : type.types
  const printed = parts.map((part) => inner(part, '|'))
  if (booleans.length === 2) printed.push('boolean')
  return `(${printed.join(' | ')})`
}

const PRIMITIVES =
  ts.TypeFlags.String |
  ts.TypeFlags.Number |
  ts.TypeFlags.Boolean |
  ts.TypeFlags.Null |
  ts.TypeFlags.Undefined |
  ts.TypeFlags.Void |
  ts.TypeFlags.Never |
  ts.TypeFlags.StringLiteral |
  ts.TypeFlags.NumberLiteral |
  ts.TypeFlags.BooleanLiteral

function fail(problem: string | ts.DiagnosticMessageChain): never {
  throw new Error(typeof problem === 'string' ? problem : ts.flattenDiagnosticMessageText(problem, '\n'))
}
