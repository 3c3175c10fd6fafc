// What a table's or a request's rows must look like.

/// One column of a contract.
package struct Column: Hashable, Sendable {
    package enum LogicalType: String, CaseIterable, Sendable {
        case string, integer, number, boolean, timestamp

        /// With its article, for messages.
        package var spelled: String { self == .integer ? "an integer" : "a \(rawValue)" }
    }

    package enum Role: String, CaseIterable, Sendable {
        case feature, label, entity, time, none
    }

    package enum Privacy: String, CaseIterable, Sendable {
        case `public`, `internal`, personal, confidential, restricted, sensitive
    }

    package var name: String
    package var type: LogicalType
    /// Whether null, or leaving the value out, breaks the contract.
    package var required: Bool
    /// Both ends belong to the range. Only for `integer` and `number`.
    package var minimum: Double?
    package var maximum: Double?
    /// Only for `string`. A category's code for a model is its position here, so the order matters.
    package var allowed: [String]?
    package var role: Role
    /// `personal` where the contract says nothing: what nobody classified is protected.
    package var privacy: Privacy
    /// What the contract asks records to keep; `nil` leaves it to the privacy class. See `recording`.
    package var recordedAs: Recording?
    /// Part of the table's key, which no two rows share. It means nothing for a request's row.
    package var isKey = false

    package init(
        name: String, type: LogicalType, required: Bool = false, minimum: Double? = nil, maximum: Double? = nil, allowed: [String]? = nil,
        role: Role = .none, privacy: Privacy = .personal
    ) {
        self.name = name
        self.type = type
        self.required = required
        self.minimum = minimum
        self.maximum = maximum
        self.allowed = allowed
        self.role = role
        self.privacy = privacy
    }

    /// The allowed values in words: `0 to 360`, `at least 0`, `one of EWR, JFK, LGA`, `any number`.
    package var allowedSpelled: String {
        if let allowed {
            let shown = allowed.prefix(12).joined(separator: ", ")
            return allowed.count <= 12 ? "one of \(shown)" : "one of \(allowed.count) values (\(shown), …)"
        }
        switch (minimum, maximum) {
        case (let low?, let high?): return "\(Self.spell(low)) to \(Self.spell(high))"
        case (let low?, nil): return "at least \(Self.spell(low))"
        case (nil, let high?): return "at most \(Self.spell(high))"
        case (nil, nil): return "any \(type.rawValue)"
        }
    }

    private static func spell(_ number: Double) -> String {
        let text = number.description
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}

/// A data contract: one table with its columns in order.
package struct DataContract: Hashable, Sendable {
    package var id: String
    package var name: String
    package var version: String
    package var columns: [Column]

    package init(id: String, name: String, version: String, columns: [Column]) {
        self.id = id
        self.name = name
        self.version = version
        self.columns = columns
    }

    /// The columns of the role `feature`, in the order written: the order of a model's inputs.
    package var features: [Column] { columns.filter { $0.role == .feature } }

    /// The column of the role `entity`; a contract has at most one.
    package var entity: Column? { columns.first { $0.role == .entity } }
}
