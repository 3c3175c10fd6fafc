// Who may run pipelines from a home.
private import Foundation
private import OwnedDatabase
package import Ports

/// Held by the one process that runs pipelines from a home; the system lets go of it when that process ends, however it ends.
package final class RunLock: Sendable {
    private let descriptor: Int32

    /// Throws when another process has it.
    package init(path: String) throws(RunCatalogError) {
        do { try OwnedFile.makeFolder(OwnedFile.folder(of: path)) } catch { throw RunCatalogError(.unavailable, error.message) }
        descriptor = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw RunCatalogError(.unavailable, "\(path) cannot be made: \(String(cString: strerror(errno)))") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw RunCatalogError(.unavailable, "another 'penstock run' is at work here; wait until it has ended, or name another home with --home")
        }
    }

    deinit { close(descriptor) }
}
