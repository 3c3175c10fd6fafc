// The tables of the history of runs. Never edited once released: a change is a new migration.
internal import GRDB
internal import OwnedDatabase

enum RunSchema {
    /// `PRUN` in ASCII: how a file says whose it is.
    private static let applicationID = 0x5052_554E

    static let database = {
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
        return OwnedDatabase("Penstock history of runs", applicationID: applicationID, migrator: migrator)
    }()
}
