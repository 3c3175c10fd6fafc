// What answers requests at this moment.
internal import Primitives
internal import Releases
private import Synchronization

/// One service's arms. Immutable; a change of version is another slot in another snapshot.
struct ServiceSlot: Sendable {
    var champion: ServingArm
    /// The candidate, and what it may answer.
    var exposure: Exposure?
    /// Loaded and warm, and answering nothing: the way back.
    var standby: ServingArm?
    /// How long going back from the champion took here before it answered; `nil` when it was not rehearsed in this process.
    var rehearsedMilliseconds: Double?

    var arms: [ServingArm] { [champion, exposure?.candidate, standby].compactMap { $0 } }
}

struct ServingSnapshot: Sendable {
    var slots: [ServiceName: ServiceSlot] = [:]

    var exposures: [Exposure] { slots.values.compactMap(\.exposure) }
}

/// The place where a version changes: requests take the reference and let go, the agent puts another in.
final class CurrentSnapshot: Sendable {
    private let snapshot = Mutex(ServingSnapshot())

    var value: ServingSnapshot { snapshot.withLock { $0 } }

    func replace(_ service: ServiceName, with slot: ServiceSlot) { snapshot.withLock { $0.slots[service] = slot } }

    /// Takes a candidate away, if it is there.
    func withdraw(_ spec: Digest, from service: ServiceName) {
        snapshot.withLock { if $0.slots[service]?.exposure?.spec == spec { $0.slots[service]?.exposure = nil } }
    }
}
