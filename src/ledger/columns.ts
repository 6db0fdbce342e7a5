/** Columns that later versions have added to a table. Objects of earlier versions get them when they wake. */

/** A column, and the statements that add it: `ALTER TABLE`, and what fills it. */
export type AddedColumn = readonly [column: string, ...statements: string[]]

/** The columns of a table as it was first released, and those that came later, oldest first. */
export type TableVersion = { table: string; first: number; added: readonly AddedColumn[] }

/** The names of a table's columns; none without the table. @throws for a table that a newer version has written */
export function columnsOf(sql: SqlStorage, { table, first, added }: TableVersion): ReadonlySet<string> {
  const columns = sql.exec('SELECT name FROM pragma_table_info(?)', table).toArray()
  // Threat: a downgraded Worker would write rows without what the newer one reads from them (faults: E9).
  if (columns.length > first + added.length)
    throw new Error(`table ${table} was written by a newer version: deploy that version again`)
  return new Set(columns.map(({ name }) => String(name)))
}

/** Adds the columns that the table lacks, also after an earlier try was killed. @throws as {@link columnsOf} */
export function addColumns(sql: SqlStorage, version: TableVersion): void {
  const columns = columnsOf(sql, version)
  for (const [column, ...statements] of version.added) {
    if (columns.has(column)) continue
    for (const statement of statements) sql.exec(statement)
  }
}
