// Admits one request: JSON bytes straight into a model's feature vector, checked against signature and contract.

/// What both the model's signature and the request contract allow, compiled for rows.
///
/// Immutable, so any thread may admit through one instance. An accepted row whose strings hold no escapes is read without allocating.
package final class RowAdmission: Sendable {
    /// The request contract's columns; where one is a feature, with the tighter of both bounds.
    package let columns: [Column]
    /// How many values a row's vector has: one a feature, in the signature's order.
    package let featureCount: Int
    let layout: RowLayout

    /// `signature` is `nil` for a service without a model, which takes the features that the contract names.
    package init(signature: ModelSignature?, request: DataContract) throws(ContractError) {
        if let signature {
            let sentences = weakening(of: signature, by: request)
            guard sentences.isEmpty else {
                throw ContractError(.weakened, "the request contract '\(request.id)' does not keep the model's signature: \(sentences.joined(separator: "; "))")
            }
        }
        let features = signature?.features ?? request.features
        let positions = Dictionary(features.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        let compiled = request.columns.map { column -> (column: Column, feature: Int?, codes: [String]) in
            guard let position = positions[column.name] else { return (column, nil, column.allowed ?? []) }
            let trained = features[position]
            return (Self.tighter(column, trained), position, trained.allowed ?? column.allowed ?? [])
        }
        columns = compiled.map(\.column)
        featureCount = features.count
        layout = RowLayout(compiled)
    }

    private static func tighter(_ given: Column, _ trained: Column) -> Column {
        var column = given
        column.required = given.required || trained.required
        column.minimum = [given.minimum, trained.minimum].compactMap { $0 }.max()
        column.maximum = [given.maximum, trained.maximum].compactMap { $0 }.min()
        if let known = trained.allowed {
            let narrowed = given.allowed.map(Set.init)
            column.allowed = known.filter { narrowed?.contains($0) ?? true }
        }
        return column
    }

    /// Reads one flat JSON object. `row` has `featureCount` places: missing is NaN, a category its position in the signature's list, a
    /// boolean 0 or 1. Whole numbers may be written `250.0`. After `.malformed` the row's content means nothing.
    package func admit(_ json: UnsafeRawBufferPointer, into row: UnsafeMutableBufferPointer<Double>) -> Admission {
        precondition(row.count == featureCount, "a row has one place for each of the \(featureCount) features")
        row.update(repeating: .nan)
        return withUnsafeTemporaryAllocation(of: UInt64.self, capacity: columns.count / 64 + 1) { seen in
            seen.initialize(repeating: 0)
            var reader = RowReader(cursor: JSONCursor(json), admission: self, row: row, seen: seen)
            do throws(MalformedRow) {
                return try reader.read()
            } catch {
                return .malformed(error)
            }
        }
    }

    /// One sentence that names the column and what it allows, and never the value.
    package func sentence(for breach: ContractBreach) -> String {
        guard columns.indices.contains(breach.column) else { return "the row does not keep the contract" }
        let column = columns[breach.column]
        let rule = "allowed is \(column.allowedSpelled)"
        return switch breach.reason {
        case .missing: "'\(column.name)' is missing, and the contract requires \(column.type.spelled); \(rule)"
        case .null: "'\(column.name)' is null, and the contract requires \(column.type.spelled); \(rule)"
        case .belowMinimum: "'\(column.name)' is a number below its range; \(rule)"
        case .aboveMaximum: "'\(column.name)' is a number above its range; \(rule)"
        case .notAllowed: "'\(column.name)' is a string outside its list; \(rule)"
        }
    }
}

/// Column facts in flat storage, so that reading a row touches no reference but the arrays.
struct RowLayout: Sendable {
    struct Fact: Sendable {
        var type: Column.LogicalType
        var required: Bool
        var isEntity: Bool
        /// Position in the feature vector, or -1.
        var feature: Int
        var minimum: Double
        var maximum: Double
        /// The column's allowed values, when it has any.
        var values: TextTable?
    }

    var facts: [Fact]
    var names: TextTable

    init(_ compiled: [(column: Column, feature: Int?, codes: [String])]) {
        facts = compiled.map { entry in
            let column = entry.column
            let values = column.allowed.map { allowed in
                let open = Set(allowed)
                return TextTable(entry.codes.enumerated().filter { open.contains($1) }.map { ($1, $0) })
            }
            return Fact(
                type: column.type, required: column.required, isEntity: column.role == .entity, feature: entry.feature ?? -1,
                minimum: column.minimum ?? -.infinity, maximum: column.maximum ?? .infinity, values: values)
        }
        names = TextTable(compiled.enumerated().map { ($1.column.name, $0) })
    }
}

/// Finds texts by their bytes. Fixed once built, at most half full, so that a stranger's text costs a few probes.
package struct TextTable: Sendable {
    private struct Slot: Sendable {
        var start = 0
        var count = 0
        /// -1 in an empty slot.
        var code = -1
    }

    private var slots: [Slot]
    private var text: [UInt8] = []

    package init(_ entries: [(text: String, code: Int)]) {
        var size = 2
        while size < entries.count * 2 { size *= 2 }
        slots = Array(repeating: Slot(), count: size)
        for entry in entries {
            let bytes = Array(entry.text.utf8)
            var index = bytes.withUnsafeBytes(Self.hash) & (size - 1)
            while slots[index].code >= 0 { index = (index + 1) & (size - 1) }
            slots[index] = Slot(start: text.count, count: bytes.count, code: entry.code)
            text += bytes
        }
    }

    /// The text's code, or -1.
    package func code(of bytes: UnsafeRawBufferPointer) -> Int {
        var index = Self.hash(bytes) & (slots.count - 1)
        while true {
            let slot = slots[index]
            if slot.code < 0 { return -1 }
            if slot.count == bytes.count, matches(slot, bytes) { return slot.code }
            index = (index + 1) & (slots.count - 1)
        }
    }

    private func matches(_ slot: Slot, _ bytes: UnsafeRawBufferPointer) -> Bool {
        for offset in 0..<slot.count where text[slot.start + offset] != bytes[offset] { return false }
        return true
    }

    /// FNV-1a, folded to a non-negative Int.
    private static func hash(_ bytes: UnsafeRawBufferPointer) -> Int {
        var value: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return Int(truncatingIfNeeded: (value ^ value >> 32) & 0x7fff_ffff)
    }
}
