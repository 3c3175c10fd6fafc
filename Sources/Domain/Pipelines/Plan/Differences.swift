// What differs between two sets of components, as reasons that people can act on.
internal import Primitives

extension StageComponents {
    /// One reason per part that differs from an earlier execution's. Empty exactly when the fingerprints are the same, because both look at `fields`.
    package func differences(from earlier: StageComponents) -> [RerunReason] {
        let before = Dictionary(earlier.fields.map { ($0.field, $0.value) }, uniquingKeysWith: { first, _ in first })
        let after = Dictionary(fields.map { ($0.field, $0.value) }, uniquingKeysWith: { first, _ in first })
        var reasons: [RerunReason] = []
        for field in fields.map(\.field) + earlier.fields.map(\.field).filter({ after[$0] == nil }) where before[field] != after[field] {
            let reason = reason(field, before[field]?.spelled, after[field]?.spelled, earlier)
            if !reasons.contains(reason) { reasons.append(reason) }
        }
        return reasons
    }

    private func reason(_ field: ComponentField, _ old: String?, _ new: String?, _ earlier: StageComponents) -> RerunReason {
        switch field {
        case .work: .workChanged(old: earlier.declared.work, new: declared.work)
        case .command: .commandChanged(old: earlier.declared.command, new: declared.command)
        case .folder: .codeMoved(old: old, new: new)
        case .code: .codeChanged(codeChanges(since: earlier))
        case .determinism: .determinismChanged(old: earlier.declared.determinism, new: declared.determinism)
        case .parameter(let name): .parameterChanged(name, old: earlier.declared.parameters[name], new: declared.parameters[name])
        case .input(let name): .inputChanged(name, producer: inputs[name]?.producer)
        case .source(let name): .sourceChanged(name)
        case .output(let name), .contract(let name): .contractChanged(name)
        case .environment(let field): .environmentChanged(field, old: old, new: new)
        case .validator(let name): .validatorChanged(name, old: old, new: new)
        }
    }

    /// With the code folder in front of each path.
    private func codeChanges(since earlier: StageComponents) -> [TreeDigest.Change] {
        let changes: [TreeDigest.Change]
        switch (earlier.declared.code, declared.code) {
        case (let old?, let new?): changes = new.changes(since: old)
        case (nil, let new?): changes = new.files.map { TreeDigest.Change(path: $0.path, kind: .added) }
        case (let old?, nil): changes = old.files.map { TreeDigest.Change(path: $0.path, kind: .removed) }
        case (nil, nil): changes = []
        }
        let folder = declared.folder ?? earlier.declared.folder
        return changes.map { TreeDigest.Change(path: folder?.appending($0.path) ?? $0.path, kind: $0.kind) }
    }
}
