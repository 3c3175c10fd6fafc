// The rehearsals under way, so that the loop and a command do not make the same one twice.
internal import Primitives

actor Rehearsals {
    private var waiting: [ReleaseID: [CheckedContinuation<Void, Never>]] = [:]

    /// True for the one who must make it and then call `end`. Anybody else gets false once that has happened, and looks again.
    func begin(_ release: ReleaseID) async -> Bool {
        if waiting[release] == nil {
            waiting[release] = []
            return true
        }
        await withCheckedContinuation { waiting[release, default: []].append($0) }
        return false
    }

    func end(_ release: ReleaseID) {
        for continuation in waiting.removeValue(forKey: release) ?? [] { continuation.resume() }
    }
}
