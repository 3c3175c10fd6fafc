// What the log asks of a disk: few operations, each of which can fail, so that a test can stand in for the worst disk.

/// An operation that failed. Whether that ends the log is decided by what was tried.
package struct DiskFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// Nothing fits any more, which passes.
    package var isFull: Bool
    /// What was tried and what the system said.
    package var message: String

    package init(isFull: Bool, _ message: String) {
        self.isFull = isFull
        self.message = message
    }

    package var description: String { message }
}

package enum OpeningMode: Hashable, Sendable {
    /// It is there.
    case existing
    /// It is not there.
    case new
    /// Emptied if it is there.
    case replacing
}

/// One folder that belongs to one log.
///
/// Until `sync` of a file has returned, any part of what was written to it may be lost, and any other part kept; until `syncFolder` has, so may new names,
/// renames and removals.
package protocol LogDisk: Sendable {
    /// Makes the folder when it is missing, durably, and takes it for this process; fails when another has it.
    func claim() throws(DiskFailure)
    func release()
    func names() throws(DiskFailure) -> [String]
    func open(_ name: String, _ mode: OpeningMode) throws(DiskFailure) -> any LogFile
    /// Takes the place of a file of the new name.
    func rename(_ name: String, to newName: String) throws(DiskFailure)
    func remove(_ name: String) throws(DiskFailure)
    func syncFolder() throws(DiskFailure)
}

/// An open file; closed with its last reference.
package protocol LogFile: AnyObject, Sendable {
    func size() throws(DiskFailure) -> Int
    /// Fewer bytes only at the end of the file.
    func read(at offset: Int, count: Int) throws(DiskFailure) -> [UInt8]
    /// All bytes, or a failure after any number of them.
    func write(_ bytes: [UInt8], at offset: Int) throws(DiskFailure)
    func truncate(to size: Int) throws(DiskFailure)
    /// The content, and what is needed to find it, is durable when this returns. Never called again on a file for which it failed.
    func sync() throws(DiskFailure)
}
