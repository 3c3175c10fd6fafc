// A CSV file of labelled rows, read by the contract that it must follow.
private import Primitives

/// Reads feature vectors and labels out of CSV (RFC 4180: comma, double quotes, LF or CRLF, a header of column names in any order).
///
/// Every value is checked against its column, labels and entities included; an empty unquoted field is null. The first row that breaks
/// the contract ends the reading. `true` and `false`, or `1` and `0`, are booleans.
package struct LabelledTable: Sendable {
    package let label: Column
    private let contract: DataContract
    private let features: [Column]
    private let layout: RowLayout
    private let labelPlace: Int
    /// The places of the columns whose texts go with each row.
    private let slicePlaces: [Int]

    /// Refuses a contract without exactly one boolean label, and a slice that is no column of it.
    package init(contract: DataContract, slices: [String] = []) throws(ContractError) {
        features = try ModelSignature(trainingContract: contract).features
        self.contract = contract
        layout = try RowAdmission(signature: nil, request: contract).layout
        let labels = contract.columns.indices.filter { contract.columns[$0].role == .label }
        guard labels.count == 1, let place = labels.first, contract.columns[place].type == .boolean else {
            throw ContractError(.noFeatures, "a contract to evaluate on has exactly one label column, of type boolean; give one the role 'label'")
        }
        var places: [Int] = []
        for name in slices {
            guard let slice = contract.columns.firstIndex(where: { $0.name == name }) else {
                throw ContractError(.noFeatures, "the contract '\(contract.id)' has no column '\(name.shown(60))' to slice by")
            }
            places.append(slice)
        }
        slicePlaces = places
        labelPlace = place
        label = contract.columns[place]
    }

    /// Calls `body` with each row's features, in signature order and encoded as a model sees them, its label, and its line.
    package func forEachRow(in csv: [UInt8], _ body: ([Double], Bool, Int) throws(TableError) -> Void) throws(TableError) {
        try forEachSlicedRow(in: csv) { row, label, _, line throws(TableError) in try body(row, label, line) }
    }

    /// With the row's text in each slice column, in the order in which they were named; `nil` for a null.
    package func forEachSlicedRow(in csv: [UInt8], _ body: ([Double], Bool, [String?], Int) throws(TableError) -> Void) throws(TableError) {
        var reader = CSVReader()
        var places: [Place]?
        var row = [Double](repeating: .nan, count: features.count)
        func take(_ record: CSVRecord) throws(TableError) {
            guard let order = places else { return places = try header(record) }
            guard record.fields.count == order.count else {
                throw TableError(line: record.line, message: "the row has \(record.fields.count) fields and the header \(order.count)")
            }
            var truth: Bool?
            var texts = [String?](repeating: nil, count: slicePlaces.count)
            for (field, place) in zip(record.fields, order) {
                let value = try checked(field, place.column, record)
                if let feature = place.feature { row[feature] = value }
                if place.column == labelPlace, !value.isNaN { truth = value == 1 }
                for (index, slice) in slicePlaces.enumerated() where slice == place.column && !value.isNaN {
                    texts[index] = record.withValue(of: field) { String(decoding: $0, as: UTF8.self) }
                }
            }
            guard let truth else { throw TableError(line: record.line, message: "the label '\(label.name)' is missing") }
            try body(row, truth, texts, record.line)
        }
        var start = 0
        while start < csv.count {
            let end = min(start + 1 << 16, csv.count)
            try reader.feed(Array(csv[start..<end])) { record throws(TableError) in try take(record) }
            start = end
        }
        try reader.finish { record throws(TableError) in try take(record) }
        guard places != nil else { throw TableError(line: 1, message: "the file is empty; it needs a header of column names") }
    }

    private struct Place {
        var column: Int
        var feature: Int?
    }

    private func header(_ record: CSVRecord) throws(TableError) -> [Place] {
        let names = record.fields.map { field in record.withValue(of: field) { String(decoding: $0, as: UTF8.self) } }
        return try contract.places(of: names).map { column in
            Place(column: column, feature: features.firstIndex { $0.name == contract.columns[column].name })
        }
    }

    private func checked(_ field: CSVField, _ place: Int, _ record: CSVRecord) throws(TableError) -> Double {
        let column = contract.columns[place]
        if field.range.isEmpty, !field.isQuoted {
            guard !column.required else { throw TableError(line: record.line, message: "'\(column.name)' is empty, and the contract requires it") }
            return .nan
        }
        guard let value = record.withValue(of: field, { layout.value(of: $0, in: place) }) else { throw column.refusal(of: field, in: record) }
        return value
    }
}

extension Column {
    func refusal(of field: CSVField, in record: CSVRecord) -> TableError {
        let text = record.withValue(of: field) { String(decoding: $0.prefix(240), as: UTF8.self) }
        return TableError(line: record.line, message: "'\(name)' is '\(text.prefix(60))', and the contract wants \(allowedSpelled)")
    }
}
