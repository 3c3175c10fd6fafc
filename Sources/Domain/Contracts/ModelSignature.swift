// What a model takes, and whether a request contract still promises it.
package import Primitives

/// A model's inputs in order: the feature columns of its training contract.
package struct ModelSignature: Hashable, Sendable {
    package let features: [Column]

    package init(trainingContract contract: DataContract) throws(ContractError) {
        features = contract.features
        guard !features.isEmpty else {
            throw ContractError(.noFeatures, "the contract '\(contract.id)' has no column of the role feature; give its inputs 'penstock.role: feature'")
        }
    }

    /// Over what decides a row's meaning to the model: names, types, nulls, ranges and the order of allowed values. Frozen.
    package var digest: Digest {
        var encoder = CanonicalEncoder(kind: "model-signature", version: 1)
        encoder.list("features", features) { encoder, column in
            encoder.field("name", column.name)
            encoder.field("type", column.type.rawValue)
            encoder.field("required", column.required)
            encoder.field("minimum", column.minimum)
            encoder.field("maximum", column.maximum)
            encoder.field("closed", column.allowed != nil)
            encoder.list("allowed", column.allowed ?? []) { $0.field("value", $1) }
        }
        return encoder.digest
    }
}

/// One sentence for each way in which the request contract promises less than the model was trained on; none when it fits.
///
/// A request may promise more: a narrower range, fewer values, `required`, or whole numbers where any number was trained on.
package func weakening(of signature: ModelSignature, by request: DataContract) -> [String] {
    let columns = Dictionary(request.columns.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    return signature.features.flatMap { trained -> [String] in
        guard let given = columns[trained.name] else {
            return ["'\(trained.name)' is a feature of the model, and the request contract omits it; add it"]
        }
        return weakening(of: trained, by: given)
    }
}

private func weakening(of trained: Column, by given: Column) -> [String] {
    let name = "'\(trained.name)'"
    var sentences: [String] = []
    if given.role != .feature { sentences.append("\(name) has the role \(given.role.rawValue) in the request contract; the model needs it as a feature") }
    guard given.type == trained.type || (trained.type == .number && given.type == .integer) else {
        return sentences + ["\(name) is \(given.type.spelled) in the request contract, and the model was trained on \(trained.type.spelled)"]
    }
    if trained.required && !given.required {
        sentences.append("\(name) may be null in the request contract, and the model requires it; write 'required: true'")
    }
    let lower = trained.minimum.map { (given.minimum ?? -.infinity) < $0 } ?? false
    let upper = trained.maximum.map { (given.maximum ?? .infinity) > $0 } ?? false
    if lower || upper {
        sentences.append("\(name) ranges over \(given.allowedSpelled) in the request contract, and the model was trained on \(trained.allowedSpelled); narrow it")
    }
    if let known = trained.allowed {
        let known = Set(known)
        let new = given.allowed?.filter { !known.contains($0) }
        if let new, !new.isEmpty {
            sentences.append("\(name) allows \(new.prefix(5).joined(separator: ", ")) in the request contract, which the model was not trained on; take it out")
        } else if new == nil {
            sentences.append("\(name) allows any text in the request contract, and the model was trained on \(trained.allowedSpelled); list the values")
        }
    }
    return sentences
}
