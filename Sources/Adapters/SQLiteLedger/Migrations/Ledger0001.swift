// The first tables. Never edited once released: a change is a new migration.
internal import GRDB

extension Schema {
    /// `leaf_hash` commits to kind, salt and payload. The `…_sum` columns hold the digest of what no leaf commits to, so that damage shows.
    static func ledger0001(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
                CREATE TABLE ledger_entry (
                    idx INTEGER PRIMARY KEY, stream TEXT NOT NULL, revision INTEGER NOT NULL, kind TEXT NOT NULL, salt BLOB NOT NULL, payload BLOB NOT NULL,
                    leaf_hash BLOB NOT NULL, place_sum BLOB NOT NULL, UNIQUE (stream, revision)) STRICT;
                CREATE TABLE merkle_node (level INTEGER NOT NULL, idx INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (level, idx)) STRICT, WITHOUT ROWID;
                CREATE TABLE ledger_subject (digest BLOB NOT NULL, idx INTEGER NOT NULL REFERENCES ledger_entry, PRIMARY KEY (digest, idx)) STRICT, WITHOUT ROWID;
                CREATE TABLE stream_head (stream TEXT PRIMARY KEY, revision INTEGER NOT NULL, body BLOB NOT NULL, head_sum BLOB NOT NULL) STRICT, WITHOUT ROWID;
                CREATE TABLE checkpoint (id INTEGER PRIMARY KEY CHECK (id = 1), size INTEGER NOT NULL, note BLOB NOT NULL, note_sum BLOB NOT NULL) STRICT;
                INSERT INTO meta VALUES ('format', '1');
                PRAGMA application_id = \(applicationID);
                """)
    }
}
