// What this node has said no to, for good.
internal import Primitives
internal import Releases
private import Synchronization

/// One release that this node exposes no more, whatever later tables say.
struct Veto: Codable, Equatable, Sendable {
    var service: ServiceName
    var release: ReleaseID
    var spec: Digest
    var reason: String
    var breach: Instant?
    var milliseconds: Double?
    var at: Instant
}

/// `vetoes.json` in the node's folder, and what of it the control plane has not been told by this process.
final class VetoBook: Sendable {
    private struct Content: Codable {
        var format = 1
        var vetoes: [Veto]
    }

    private struct State {
        var vetoes: [Veto] = []
        var new: [Veto] = []
        /// Nothing is exposed while it is not known what was vetoed.
        var damage: String?
    }

    private let file: StateFile
    private let state = Mutex(State())

    init(folder: String) {
        file = StateFile(folder: folder, name: "vetoes.json")
        do {
            guard let bytes = try file.read() else { return }
            let content: Content = try StrictJSON.decode(from: bytes)
            guard content.format == 1 else { throw ServingError("it has format \(content.format)") }
            state.withLock { $0.vetoes = content.vetoes }
        } catch {
            let reason = "\(file.path) cannot be read, so this node does not know what it has vetoed and exposes nothing; remove the file when all its vetoes are rolled back"
            state.withLock { $0.damage = reason }
        }
    }

    var damage: String? { state.withLock { $0.damage } }
    var all: [Veto] { state.withLock { $0.vetoes } }

    subscript(_ spec: Digest) -> Veto? { state.withLock { $0.vetoes.first { $0.spec == spec } } }

    /// It stands in this process as soon as this is called, and for good when it returns; what it then says is in the answer. `nil` where it stood before.
    func add(_ veto: Veto) -> Veto? {
        let content = state.withLock { state -> Content? in
            guard !state.vetoes.contains(where: { $0.spec == veto.spec }) else { return nil }
            state.vetoes.append(veto)
            return Content(vetoes: state.vetoes)
        }
        guard let content else { return nil }
        var veto = veto
        do {
            if let damage { throw ServingError(damage) }
            try file.replace(with: StrictJSON.encode(content))
        } catch { veto.reason += "; the veto is not on the disk (\(error)), so it lasts until this node restarts" }
        state.withLock { state in
            if let index = state.vetoes.firstIndex(where: { $0.spec == veto.spec }) { state.vetoes[index] = veto }
            state.new.append(veto)
        }
        return veto
    }

    /// Each once.
    func takeNew() -> [Veto] {
        state.withLock { state in
            defer { state.new = [] }
            return state.new
        }
    }
}
