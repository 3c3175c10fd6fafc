// Which databases are ours, and how an older one is brought up to date.
internal import GRDB
internal import Ports

enum Schema {
    /// `PENS` in ASCII: how a file says whose it is.
    static let applicationID = 0x5045_4E53
    /// What this program writes into `meta`.
    static let format = "1"

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("0001-ledger", migrate: ledger0001)
        return migrator
    }

    /// Refuses a file of another program and one that a newer Penstock migrated, before anything in it is changed. Call while nothing else in this
    /// process has the file open.
    static func inspect(_ path: String) throws {
        do {
            try inspect(path, readOnly: true)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_READONLY || error.resultCode == .SQLITE_CANTOPEN {
            // A write was cut short. Its journal says what the file holds, and only a connection that may write can read it.
            try inspect(path, readOnly: false)
        }
    }

    private static func inspect(_ path: String, readOnly: Bool) throws {
        var configuration = Configuration()
        configuration.readonly = readOnly
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.read { database in
            guard try isOurs(database) else { throw LedgerStoreError(.unavailable, "\(path) is not a Penstock ledger; choose another file") }
            guard try !migrator.hasBeenSuperseded(database) else { throw newer(path) }
        }
        try queue.close()
    }

    /// Marked as ours, or as a first start leaves it that was cut before its first migration was whole.
    private static func isOurs(_ database: Database) throws -> Bool {
        let owner = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        if owner == applicationID { return true }
        guard owner == 0 else { return false }
        let names = try String.fetchAll(database, sql: "SELECT DISTINCT tbl_name FROM sqlite_schema")
        return try names.isEmpty || names == ["grdb_migrations"] && migrator.appliedIdentifiers(database).isEmpty
    }

    static func migrate(_ database: some DatabaseWriter, path: String, origin: String?) throws {
        try migrator.migrate(database)
        try database.write { database in
            guard try shape(database) == expectedShape() else {
                throw LedgerStoreError(.damaged, "the tables of \(path) are not those that Penstock made; restore the database from a backup")
            }
            guard try meta("format", database) == format else { throw newer(path) }
            guard let origin else { return }
            let stored = try meta("origin", database)
            guard stored == nil || stored == origin else {
                throw LedgerStoreError(.unavailable, "\(path) is the ledger of '\(stored ?? "")', and '\(origin)' was asked for; choose the right file or name")
            }
            try database.execute(sql: "INSERT INTO meta VALUES ('origin', ?) ON CONFLICT DO NOTHING", arguments: [origin])
        }
    }

    /// Every table, index, trigger and view, as SQL. A trigger could make a commit do other things than it says, and a table without one of our columns
    /// could not be read.
    private static func shape(_ database: Database) throws -> [String] {
        try String.fetchAll(database, sql: "SELECT type || ' ' || name || ' ' || tbl_name || ' ' || coalesce(sql, '') FROM sqlite_schema ORDER BY 1")
    }

    private static func expectedShape() throws -> [String] {
        let queue = try DatabaseQueue()
        try migrator.migrate(queue)
        return try queue.read { try shape($0) }
    }

    static func meta(_ name: String, _ database: Database) throws -> String? {
        try String.fetchOne(database, sql: "SELECT value FROM meta WHERE name = ?", arguments: [name])
    }

    private static func newer(_ path: String) -> LedgerStoreError {
        LedgerStoreError(.unavailable, "\(path) was written by a newer Penstock; start that version")
    }
}
