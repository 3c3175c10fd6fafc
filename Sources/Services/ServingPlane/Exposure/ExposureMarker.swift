// Tells, after a death, whose fault it may have been.
internal import Primitives
internal import Releases
private import Synchronization

/// `exposing.json` in the node's folder: it is there while code of a release that is not live yet may run, and a clean stop removes it.
final class ExposureMarker: Sendable {
    struct Entry: Codable, Equatable, Sendable {
        var service: ServiceName
        var release: ReleaseID
        var spec: Digest
        /// Starts that found this entry: deaths.
        var starts: Int
    }

    private struct Content: Codable {
        var format = 1
        var exposing: [Entry]
    }

    private struct State {
        var entries: [Entry] = []
        var added: [Digest: ContinuousClock.Instant] = [:]
    }

    /// The second death in a row is held against the candidate.
    static let mostStarts = 2
    /// A candidate under which the node has lived this long begins anew.
    private static let calm = Duration.seconds(600)

    private let file: StateFile
    private let state = Mutex(State())

    init(folder: String) { file = StateFile(folder: folder, name: "exposing.json") }

    /// Counts this start. What comes back has been there at too many deaths.
    func begin() throws(ServingError) -> [Entry] {
        guard let bytes = try file.read() else { return [] }
        // Written whole or not at all: one that cannot be read was changed by hand.
        guard let content: Content = try? StrictJSON.decode(from: bytes), content.format == 1 else {
            file.setAside()
            return []
        }
        let entries = content.exposing.map { entry in
            var entry = entry
            entry.starts += 1
            return entry
        }
        state.withLock { $0.entries = entries }
        try file.replace(with: StrictJSON.encode(Content(exposing: entries)))
        return entries.filter { $0.starts >= Self.mostStarts }
    }

    /// On the disk when it returns.
    func add(_ release: VerifiedRelease) throws(ServingError) {
        try change { state in
            state.added[release.digest] = state.added[release.digest] ?? .now
            guard !state.entries.contains(where: { $0.spec == release.digest }) else { return }
            state.entries.append(Entry(service: release.spec.service, release: release.spec.release, spec: release.digest, starts: 0))
        }
    }

    /// Of the service's entries only these stay.
    func keep(only specs: Set<Digest>, of service: ServiceName) throws(ServingError) {
        try change { state in state.entries.removeAll { $0.service == service && !specs.contains($0.spec) } }
    }

    /// Deaths long ago are forgotten.
    func forgive() throws(ServingError) {
        try change { state in
            for index in state.entries.indices where state.entries[index].starts > 0 {
                guard let added = state.added[state.entries[index].spec], .now - added > Self.calm else { continue }
                state.entries[index].starts = 0
            }
        }
    }

    /// Nothing more of a candidate runs in this process.
    func end() throws(ServingError) { try change { $0.entries = [] } }

    /// Only the agent changes it, one change at a time; the lock is for its being Sendable.
    private func change(_ body: (inout State) -> Void) throws(ServingError) {
        let (old, new) = state.withLock { state in
            let old = state.entries
            body(&state)
            return (old, state.entries)
        }
        guard new != old else { return }
        do {
            if new.isEmpty { try file.remove() } else { try file.replace(with: StrictJSON.encode(Content(exposing: new))) }
        } catch {
            state.withLock { $0.entries = old }
            throw error
        }
    }
}
