// The tables of the history of runs. Never edited once released: a change is a new migration.
internal import GRDB
internal import Ports

enum RunSchema {
    /// `PRUN` in ASCII: how a file says whose it is.
    private static let applicationID = 0x5052_554E

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("0001-runs") { database in
            try database.execute(
                sql: """
                    CREATE TABLE run (seq INTEGER PRIMARY KEY, run TEXT NOT NULL UNIQUE, pipeline TEXT NOT NULL, ended INTEGER NOT NULL) STRICT;
                    CREATE TABLE run_event (
                        run TEXT NOT NULL, revision INTEGER NOT NULL, kind TEXT NOT NULL, payload BLOB NOT NULL, PRIMARY KEY (run, revision)) STRICT, WITHOUT ROWID;
                    CREATE TABLE execution (
                        seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, pipeline TEXT NOT NULL, stage TEXT NOT NULL, fingerprint BLOB NOT NULL,
                        execution BLOB NOT NULL, components BLOB NOT NULL) STRICT;
                    CREATE INDEX execution_fingerprint ON execution (fingerprint);
                    CREATE INDEX execution_stage ON execution (pipeline, stage);
                    PRAGMA application_id = \(applicationID);
                    """)
        }
        return migrator
    }

    static func migrate(_ pool: DatabasePool, path: String) throws {
        let (owner, isNewer) = try pool.read { database in
            (try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0, try migrator.hasBeenSuperseded(database))
        }
        let names = try pool.read { try String.fetchAll($0, sql: "SELECT DISTINCT tbl_name FROM sqlite_schema WHERE tbl_name <> 'grdb_migrations'") }
        guard owner == applicationID || owner == 0 && names.isEmpty else {
            throw RunCatalogError(.unavailable, "\(path) is no history of runs; move that file away")
        }
        guard !isNewer else { throw RunCatalogError(.unavailable, "\(path) was written by a newer Penstock; start that version") }
        try migrator.migrate(pool)
    }
}
