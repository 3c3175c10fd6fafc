// Which databases are ours, and how an older one is brought up to date.
internal import GRDB
internal import OwnedDatabase
internal import Ports

enum Schema {
    /// `PENS` in ASCII: how a file says whose it is.
    static let applicationID = 0x5045_4E53
    /// What this program writes into `meta`.
    static let format = "1"

    static let database = {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("0001-ledger", migrate: ledger0001)
        return OwnedDatabase("Penstock ledger", applicationID: applicationID, migrator: migrator)
    }()

    /// Holds the tables and `meta` to what this program made.
    static func check(_ database: some DatabaseWriter, path: String, origin: String?) throws {
        try database.write { database in
            guard try shape(database) == expectedShape() else {
                throw LedgerStoreError(.damaged, "the tables of \(path) are not those that Penstock made; restore the database from a backup")
            }
            guard try meta("format", database) == format else { throw OwnedDatabase.newer(path) }
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
        try database.migrator.migrate(queue)
        return try queue.read { try shape($0) }
    }

    static func meta(_ name: String, _ database: Database) throws -> String? {
        try String.fetchOne(database, sql: "SELECT value FROM meta WHERE name = ?", arguments: [name])
    }
}
