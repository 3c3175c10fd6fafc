// One SQLite database of ours: whose it is, its owner's alone, and durable.
package import GRDB

/// Why a database is not opened, in one sentence with its path and the remedy.
package struct OwnedDatabaseError: Error, CustomStringConvertible {
    package let message: String

    package var description: String { message }
}

/// One kind of database: how its files say what they are, and how an older one is brought up to date.
///
/// WAL with `synchronous=FULL`: a returned commit survives power loss. GRDB's pool falls back to NORMAL while it opens, so FULL is set afterwards and
/// read back; a database that cannot have it is not opened.
///
/// Nothing else in the process may open the file: closing a second descriptor drops SQLite's locks.
package struct OwnedDatabase: Sendable {
    /// In a sentence: `Penstock ledger`.
    private let name: String
    /// What its files have as `application_id`. The first migration must set it.
    private let applicationID: Int
    package let migrator: DatabaseMigrator

    package init(_ name: String, applicationID: Int, migrator: DatabaseMigrator) {
        self.name = name
        self.applicationID = applicationID
        self.migrator = migrator
    }

    /// Opens or makes the file and its folder, for the owner only, and migrates it. Files of other programs, and those that a newer Penstock migrated,
    /// are refused before anything in them is changed. `label` names its connections. Throws `OwnedDatabaseError`, or what GRDB throws.
    package func open(_ path: String, label: String) throws -> DatabasePool {
        if try OwnedFile.hasContent(path) { try inspect(path) }
        try OwnedFile.prepare(path)
        var configuration = Configuration()
        configuration.label = label
        configuration.busyMode = .timeout(5)
        configuration.foreignKeysEnabled = true
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF") }
        let pool = try DatabasePool(path: path, configuration: configuration)
        try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
        let durability = try Durability(of: pool)
        guard durability.isEnough else { throw OwnedDatabaseError(message: "\(path) does not give durable writes here (\(durability)); use a local file system") }
        try migrator.migrate(pool)
        try OwnedFile.sync(path)
        return pool
    }

    private func inspect(_ path: String) throws {
        do {
            try inspect(path, readOnly: true)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_READONLY || error.resultCode == .SQLITE_CANTOPEN {
            // A write was cut short. Its journal says what the file holds, and only a connection that may write can read it.
            try inspect(path, readOnly: false)
        }
    }

    private func inspect(_ path: String, readOnly: Bool) throws {
        var configuration = Configuration()
        configuration.readonly = readOnly
        configuration.busyMode = .timeout(5)
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.read { database in
            guard try isOurs(database) else { throw OwnedDatabaseError(message: "\(path) is not a \(name); choose another file, or move it away") }
            guard try !migrator.hasBeenSuperseded(database) else { throw Self.newer(path) }
        }
        try queue.close()
    }

    /// Marked as ours, or as a first start leaves it that was cut before its first migration was whole.
    private func isOurs(_ database: Database) throws -> Bool {
        let owner = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        if owner == applicationID { return true }
        guard owner == 0 else { return false }
        let names = try String.fetchAll(database, sql: "SELECT DISTINCT tbl_name FROM sqlite_schema")
        return try names.isEmpty || names == ["grdb_migrations"] && migrator.appliedIdentifiers(database).isEmpty
    }

    package static func newer(_ path: String) -> OwnedDatabaseError { OwnedDatabaseError(message: "\(path) was written by a newer Penstock; start that version") }
}

extension OwnedDatabase {
    /// What the writer's connection has, as SQLite reports it now.
    package struct Durability: Hashable, Sendable, CustomStringConvertible {
        package var synchronous: Int
        package var journal: String
        package var foreignKeys: Bool

        package init(of pool: DatabasePool) throws {
            (synchronous, journal, foreignKeys) = try pool.writeWithoutTransaction { database in
                (
                    try Int.fetchOne(database, sql: "PRAGMA synchronous") ?? -1, try String.fetchOne(database, sql: "PRAGMA journal_mode") ?? "unknown",
                    try Int.fetchOne(database, sql: "PRAGMA foreign_keys") == 1
                )
            }
        }

        package var isEnough: Bool { synchronous == 2 && journal == "wal" && foreignKeys }
        package var description: String { "synchronous \(synchronous), journal \(journal), foreign keys \(foreignKeys ? "on" : "off")" }
    }
}
