// Reads a data contract from the Open Data Contract Standard v3, and refuses what this version would not enforce.
package import Primitives

extension DataContract {
    /// Keys of ODCS 3.0 to 3.1 that describe and never constrain a row; they are accepted and not used.
    private static let documentary = [
        "tenant", "tags", "status", "servers", "dataProduct", "description", "domain", "support", "price", "team", "roles", "slaDefaultElement",
        "slaProperties", "authoritativeDefinitions", "customProperties", "contractCreatedTs",
    ]
    private static let tableDocumentary = [
        "id", "physicalName", "physicalType", "description", "businessName", "authoritativeDefinitions", "tags", "customProperties",
        "dataGranularityDescription",
    ]

    package static func read(_ node: DocumentNode) throws(DocumentError) -> DataContract {
        var fields = try node.fields()
        let kind = try fields.need("kind")
        guard try kind.text() == "DataContract" else { throw DocumentError("a contract says 'kind: DataContract'; found \(kind.kind)", at: kind.place) }
        let api = try fields.need("apiVersion")
        guard try api.text().hasPrefix("v3.") else {
            throw DocumentError("this program reads ODCS v3, not \(api.kind); write 'apiVersion: v3.1.0'", at: api.place)
        }
        let id = try fields.need("id").text()
        let name = try fields.take("name")?.text() ?? id
        let version = try fields.need("version").text()
        let schema = try fields.need("schema")
        for key in documentary { _ = fields.take(key) }
        try fields.finish()
        let tables = try schema.list()
        guard let table = tables.first, tables.count == 1 else {
            throw DocumentError("a contract describes exactly one table here, and this one has \(tables.count); split it into files", at: schema.place)
        }
        return DataContract(id: id, name: name, version: version, columns: try readTable(table))
    }

    private static func readTable(_ node: DocumentNode) throws(DocumentError) -> [Column] {
        var fields = try node.fields()
        _ = try fields.need("name").text()
        if let type = fields.take("logicalType"), try type.text() != "object" {
            throw DocumentError("a table's logicalType is 'object', found \(type.kind)", at: type.place)
        }
        try fields.refuseUnbuilt("quality", because: "rules about whole tables are not enforced in this version")
        try fields.refuseUnbuilt("relationships", because: "keys between tables are not enforced in this version")
        let list = try fields.need("properties")
        for key in tableDocumentary { _ = fields.take(key) }
        try fields.finish()
        let items = try list.list()
        guard (1...Limits.columns).contains(items.count) else {
            throw DocumentError("a contract has 1 to \(Limits.columns) columns, and this one has \(items.count)", at: list.place)
        }
        var columns: [Column] = []
        var names: Set<String> = []
        for item in items {
            let column = try Column.read(item)
            guard names.insert(column.name).inserted else {
                throw DocumentError("the column '\(column.name)' stands twice; keep one", at: item.place)
            }
            for role in [Column.Role.entity, .time] where column.role == role && columns.contains(where: { $0.role == role }) {
                throw DocumentError("'\(column.name)' is a second column of the role \(role.rawValue); a contract has at most one", at: item.place)
            }
            columns.append(column)
        }
        return columns
    }
}

extension Column {
    private static let documentary = [
        "id", "physicalType", "physicalName", "description", "businessName", "authoritativeDefinitions", "tags", "primaryKeyPosition", "partitioned",
        "partitionKeyPosition", "encryptedName", "transformSourceObjects", "transformLogic", "transformDescription", "examples",
        "criticalDataElement",
    ]

    fileprivate static func read(_ node: DocumentNode) throws(DocumentError) -> Column {
        var fields = try node.fields()
        var column = Column(name: try readName(fields.need("name")), type: try fields.need("logicalType").choice())
        column.required = try fields.take("required")?.bool() ?? false
        column.privacy = try fields.take("classification")?.choice() ?? .personal
        try column.readProperties(fields.take("customProperties"))
        column.isKey = try fields.take("primaryKey")?.bool() ?? false
        if let node = fields.take("unique"), try node.bool() {
            throw DocumentError("'unique' is not built yet: write 'primaryKey: true', which is enforced in tables", at: node.place)
        }
        for key in ["relationships", "properties", "items"] {
            try fields.refuseUnbuilt(key, because: "columns are flat and stand for themselves in this version")
        }
        if let options = fields.take("logicalTypeOptions") { try column.readOptions(options) }
        if let rules = fields.take("quality") {
            for rule in try rules.list() { try column.readRule(rule) }
        }
        for key in documentary { _ = fields.take(key) }
        try fields.finish()
        try column.checkRole(at: node.place)
        return column
    }

    /// A name is compared byte by byte with the keys of requests, and shown in messages.
    private static func readName(_ node: DocumentNode) throws(DocumentError) -> String {
        let name = try node.text()
        let plain = name.unicodeScalars.allSatisfy { $0.value > 0x1f && $0.value != 0x7f && $0 != "\"" && $0 != "\\" }
        guard plain, name.utf8.count <= 128 else {
            throw DocumentError("a column's name has at most 128 bytes, without quotes, backslashes and control characters", at: node.place)
        }
        return name
    }

    private mutating func readProperties(_ node: DocumentNode?) throws(DocumentError) {
        var known: Set<String> = []
        for item in try node?.list() ?? [] {
            var fields = try item.fields()
            let property = try fields.need("property").text()
            let value = try fields.need("value")
            for key in ["id", "description"] { _ = fields.take(key) }
            try fields.finish()
            guard property.hasPrefix("penstock.") else { continue }
            switch property {
            case "penstock.role": role = try value.choice()
            case "penstock.record": recordedAs = try value.choice()
            default: throw DocumentError("unknown property '\(property.prefix(60))'; known here: penstock.role, penstock.record", at: item.place)
            }
            guard known.insert(property).inserted else { throw DocumentError("\(property) stands twice; keep one", at: item.place) }
        }
    }

    private mutating func readOptions(_ node: DocumentNode) throws(DocumentError) {
        var fields = try node.fields()
        switch type {
        case .integer, .number:
            minimum = try fields.take("minimum")?.number()
            maximum = try fields.take("maximum")?.number()
            for key in ["exclusiveMinimum", "exclusiveMaximum", "multipleOf", "format"] {
                try fields.refuseUnbuilt(key, because: "a number's range is minimum to maximum, both included")
            }
            if let minimum, let maximum, minimum > maximum { throw DocumentError("the minimum is above the maximum; swap them", at: node.place) }
        case .string:
            for key in ["minLength", "maxLength", "pattern", "format"] {
                try fields.refuseUnbuilt(key, because: "text is checked against a list of validValues only")
            }
        case .timestamp:
            try Self.readTimestampOptions(&fields)
        case .boolean:
            break
        }
        try fields.finish()
    }

    private static func readTimestampOptions(_ fields: inout DocumentFields) throws(DocumentError) {
        let formats = ["yyyy-MM-dd'T'HH:mm:ssX", "yyyy-MM-dd'T'HH:mm:ssXXX", "yyyy-MM-dd'T'HH:mm:ss.SSSX", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"]
        if let format = fields.take("format"), try !formats.contains(format.text()) {
            throw DocumentError("times are read as RFC 3339; write format: \"\(formats[0])\"", at: format.place)
        }
        if let zone = fields.take("timezone"), try !zone.bool() {
            throw DocumentError("times carry their offset from UTC; write 'timezone: true'", at: zone.place)
        }
        for key in ["defaultTimezone", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"] {
            try fields.refuseUnbuilt(key, because: "times carry their offset and have no range in this version")
        }
    }

    /// The enforced rules: invalidValues with validValues, nullValues and missingValues, each `mustBe: 0`.
    private mutating func readRule(_ node: DocumentNode) throws(DocumentError) {
        var fields = try node.fields()
        if let kind = fields.take("type"), try kind.text() != "library" {
            throw DocumentError("quality rules of the type \(kind.kind) are not built yet: only 'type: library' is enforced; leave it out", at: kind.place)
        }
        let metric = try fields.need("metric")
        let arguments = fields.take("arguments")
        switch try metric.text() {
        case "invalidValues":
            guard let arguments else { throw DocumentError("invalidValues needs 'arguments: { validValues: [ … ] }'", at: node.place) }
            try readValidValues(arguments)
        case "nullValues", "missingValues":
            if let arguments {
                throw DocumentError("arguments of \(metric.kind) are not built yet: missing means null or left out; leave them out", at: arguments.place)
            }
            required = true
        default:
            throw DocumentError(
                "the quality metric \(metric.kind) is not built yet: invalidValues, nullValues and missingValues are enforced; leave it out", at: metric.place)
        }
        let bound = try fields.need("mustBe")
        guard try bound.number() == 0 else {
            throw DocumentError("a share of bad values is not built yet: every row is checked, so write 'mustBe: 0'", at: bound.place)
        }
        for key in [
            "id", "name", "description", "businessImpact", "dimension", "severity", "method", "unit", "schedule", "scheduler", "tags",
            "authoritativeDefinitions", "customProperties",
        ] { _ = fields.take(key) }
        try fields.finish()
    }

    private mutating func readValidValues(_ node: DocumentNode) throws(DocumentError) {
        guard type == .string else { throw DocumentError("validValues of \(type.spelled) are not built yet: only text has a list of them", at: node.place) }
        guard allowed == nil else { throw DocumentError("a column has one list of validValues; join them", at: node.place) }
        var fields = try node.fields()
        try fields.refuseUnbuilt("pattern", because: "text is checked against a list of validValues only")
        let list = try fields.need("validValues")
        try fields.finish()
        let items = try list.list()
        guard (1...Limits.allowedValues).contains(items.count) else {
            throw DocumentError("validValues has 1 to \(Limits.allowedValues) values, and this one has \(items.count)", at: list.place)
        }
        var values: [String] = []
        var seen: Set<[UInt8]> = []
        for item in items {
            let value = try item.text()
            guard seen.insert(Array(value.utf8)).inserted else { throw DocumentError("the value '\(value.prefix(60))' stands twice; keep one", at: item.place) }
            values.append(value)
        }
        allowed = values
    }

    private func checkRole(at place: SourcePlace) throws(DocumentError) {
        switch (role, type) {
        case (.feature, .timestamp):
            throw DocumentError("the time '\(name)' cannot be a feature; derive a number from it", at: place)
        case (.feature, .string) where allowed == nil:
            throw DocumentError("the feature '\(name)' is text and needs validValues, whose order gives the model its codes", at: place)
        case (.entity, let type) where type != .string:
            throw DocumentError("the entity '\(name)' is \(type.spelled); an entity is a string", at: place)
        case (.entity, _) where recordedAs == .keep || recordedAs == .drop:
            throw DocumentError("the entity '\(name)' is always recorded as a keyed hash, so that its records can be found and erased; leave penstock.record out", at: place)
        case (.time, let type) where type != .timestamp:
            throw DocumentError("'\(name)' has the role time and is \(type.spelled); make it a timestamp", at: place)
        default: break
        }
    }
}
