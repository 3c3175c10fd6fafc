// The tables, and which files are ours.
internal import GRDB
internal import OwnedDatabase

enum DecisionsSchema {
    /// `PEND` in ASCII: how a file says whose it is.
    private static let applicationID = 0x5045_4E44

    static let database = {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("0001-decisions", migrate: decisions0001)
        migrator.registerMigration("0002-sightings", migrate: sightings0002)
        return OwnedDatabase("Penstock decision store", applicationID: applicationID, migrator: migrator)
    }()

    /// Frozen. `entry` is what nodes sent; `decision` and `outcome` are found again from its payloads.
    private static func decisions0001(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE entry (
                    node TEXT NOT NULL, sequence INTEGER NOT NULL, kind INTEGER NOT NULL, salt BLOB NOT NULL, payload BLOB NOT NULL, leaf BLOB NOT NULL,
                    PRIMARY KEY (node, sequence)) STRICT, WITHOUT ROWID;
                CREATE TABLE batch (
                    node TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, commitment BLOB NOT NULL,
                    PRIMARY KEY (node, first)) STRICT, WITHOUT ROWID;
                CREATE TABLE decision (
                    id BLOB NOT NULL, node TEXT NOT NULL, sequence INTEGER NOT NULL, service TEXT NOT NULL, release TEXT NOT NULL, version TEXT, time INTEGER NOT NULL,
                    outcome TEXT NOT NULL, reason TEXT NOT NULL, score REAL, latency INTEGER NOT NULL, PRIMARY KEY (id, node, sequence)) STRICT, WITHOUT ROWID;
                CREATE INDEX decision_time ON decision (service, time);
                CREATE TABLE outcome (
                    decision BLOB NOT NULL, node TEXT NOT NULL, sequence INTEGER NOT NULL, name TEXT NOT NULL, value REAL NOT NULL, is_truth INTEGER NOT NULL,
                    at INTEGER NOT NULL, received INTEGER NOT NULL, PRIMARY KEY (decision, node, sequence)) STRICT, WITHOUT ROWID;
                PRAGMA application_id = \(applicationID);
                """)
    }

    /// Frozen. What became known about requests under exposure, in the order in which it was stored; found again from the entries. `node` and `sequence` are of
    /// the comparison's entry.
    private static func sightings0002(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE sighting (
                    cursor INTEGER PRIMARY KEY AUTOINCREMENT, candidate TEXT NOT NULL, step INTEGER NOT NULL, what INTEGER NOT NULL, decision BLOB NOT NULL,
                    node TEXT NOT NULL, sequence INTEGER NOT NULL) STRICT;
                CREATE INDEX sighting_order ON sighting (candidate, step, cursor);
                CREATE INDEX sighting_decision ON sighting (decision);
                """)
    }
}
