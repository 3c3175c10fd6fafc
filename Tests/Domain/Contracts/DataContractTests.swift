// Contracts are read strictly, and weakened signatures are found.
import Contracts
import Primitives
import Testing

@Suite struct DataContractTests {
    @Test func readsTheExample() throws {
        let training = try exampleContract("training"), request = try exampleContract("request")
        #expect(training.id == "flight-delay-training" && training.name == "Flight delay, training" && training.version == "1.0.0")
        #expect(training.columns.count == 15 && request.columns.count == 15)
        // Callers send one feature more, which the models of another training contract use.
        #expect(training.features.map(\.name) + ["on_time_share"] == request.features.map(\.name))
        #expect(training.features.count == 12)
        #expect(training.entity?.name == "tail_number")
        #expect(request.columns[0].allowed?.first == "9E" && request.columns[2].allowed?.count == 105)
        #expect(request.columns[4] == Column(name: "hourly_departures", type: .integer, required: true, minimum: 1, maximum: 80, role: .feature, privacy: .public))
        #expect(request.columns[14] == Column(name: "scheduled_departure", type: .timestamp, required: true, role: .time, privacy: .public))
        #expect(training.columns[12].role == .label)
        let signature = try ModelSignature(trainingContract: training)
        #expect(weakening(of: signature, by: request).isEmpty)
        #expect(weakening(of: try ModelSignature(trainingContract: exampleContract("training-on-time")), by: request).isEmpty)
        #expect(signature.digest.description == "sha256:bd17a0f7cc901c871267585bd02eb62064d6d5bc711ba25d2d523406481361dd")
    }

    @Test func defaultsProtect() throws {
        let read = try DataContract.read(parse(contract("- {name: a, logicalType: number}")))
        #expect(read == DataContract(id: "t", name: "t", version: "1.0.0", columns: [Column(name: "a", type: .number, privacy: .personal)]))
    }

    @Test func acceptsKnownKeysThatConstrainNothing() throws {
        let text = contract("- {name: a, logicalType: string, businessName: A, tags: [x], examples: [y], unique: false, primaryKey: false, physicalType: TEXT}")
        #expect(throws: Never.self) { try DataContract.read(parse(text + "\nteam: {name: x}\nservers: []\nprice: {priceAmount: 1}\nsupport: []")) }
    }

    static let rule = "quality: [{type: library, metric: invalidValues, mustBe: 0, arguments: {validValues: [x, y]}}]"
    static let feature = "customProperties: [{property: penstock.role, value: feature}]"
    static let columns: [(properties: String, says: String)] = [
        ("- {name: a, logicalType: date}", "expected one of string"), ("- {name: a}", "'logicalType' is missing"), ("- {logicalType: string}", "'name' is missing"),
        ("- {name: a, logicalType: string, requird: true}", "did you mean 'required'"), ("- {name: a, logicalType: string, required: yes}", "true or false"),
        ("- {name: \"a\\\"b\", logicalType: string}", "a column's name"), ("- {name: a, logicalType: string}\n- {name: a, logicalType: string}", "stands twice"),
        ("- {name: a, logicalType: number, logicalTypeOptions: {minimum: 3, maximum: 2}}", "above the maximum"),
        ("- {name: a, logicalType: number, logicalTypeOptions: {minimum: .nan}}", "expected a number"),
        ("- {name: a, logicalType: number, logicalTypeOptions: {exclusiveMinimum: 3}}", "not built yet"),
        ("- {name: a, logicalType: integer, logicalTypeOptions: {multipleOf: 3}}", "not built yet"),
        ("- {name: a, logicalType: string, logicalTypeOptions: {minimum: 3}}", "unknown key 'minimum'"),
        ("- {name: a, logicalType: string, logicalTypeOptions: {pattern: x}}", "not built yet"),
        ("- {name: a, logicalType: boolean, logicalTypeOptions: {minimum: 3}}", "unknown key"),
        ("- {name: a, logicalType: timestamp, logicalTypeOptions: {timezone: false}}", "timezone: true"),
        ("- {name: a, logicalType: timestamp, logicalTypeOptions: {format: yyyy}}", "RFC 3339"),
        ("- {name: a, logicalType: string, unique: true}", "not built yet"),
        ("- {name: a, logicalType: string, relationships: []}", "not built yet"),
        ("- {name: a, logicalType: string, classification: secret}", "public, internal, personal"),
        ("- {name: a, logicalType: string, customProperties: [{property: penstock.role, value: feeture}]}", "expected one of feature"),
        ("- {name: a, logicalType: string, customProperties: [{property: penstock.roll, value: x}]}", "penstock.role"),
        ("- {name: a, logicalType: string, customProperties: [{property: penstock.role, value: none}, {property: penstock.role, value: none}]}", "twice"),
        ("- {name: a, logicalType: string, quality: [{type: sql, query: x, mustBe: 0}]}", "not built yet"),
        ("- {name: a, logicalType: string, quality: [{metric: duplicateValues, mustBe: 0}]}", "not built yet"),
        ("- {name: a, logicalType: string, quality: [{rule: invalidValues, mustBe: 0}]}", "'metric' is missing"),
        ("- {name: a, logicalType: string, quality: [{metric: invalidValues, mustBe: 1, arguments: {validValues: [x]}}]}", "not built yet"),
        ("- {name: a, logicalType: string, quality: [{metric: invalidValues, mustBeLessThan: 1, arguments: {validValues: [x]}}]}", "'mustBe' is missing"),
        ("- {name: a, logicalType: string, quality: [{metric: invalidValues, mustBe: 0}]}", "validValues"),
        ("- {name: a, logicalType: string, quality: [{metric: invalidValues, mustBe: 0, arguments: {validValues: []}}]}", "1 to"),
        ("- {name: a, logicalType: string, quality: [{metric: invalidValues, mustBe: 0, arguments: {validValues: [x, x]}}]}", "stands twice"),
        ("- {name: a, logicalType: string, quality: [{metric: invalidValues, mustBe: 0, arguments: {pattern: x}}]}", "not built yet"),
        ("- {name: a, logicalType: string, quality: [{metric: missingValues, mustBe: 0, arguments: {missingValues: [x]}}]}", "not built yet"),
        ("- {name: a, logicalType: number, quality: [{metric: invalidValues, mustBe: 0, arguments: {validValues: [1]}}]}", "not built yet"),
        ("- {name: a, logicalType: string, \(feature)}", "needs validValues"), ("- {name: a, logicalType: timestamp, \(feature)}", "cannot be a feature"),
        ("- {name: a, logicalType: integer, customProperties: [{property: penstock.role, value: entity}]}", "an entity is a string"),
        ("- {name: a, logicalType: string, customProperties: [{property: penstock.role, value: time}]}", "timestamp"),
        (
            "- {name: a, logicalType: string, customProperties: [{property: penstock.role, value: entity}]}\n"
                + "- {name: b, logicalType: string, customProperties: [{property: penstock.role, value: entity}]}", "second column"
        ),
    ]

    @Test(arguments: columns.indices) func refusesColumns(_ index: Int) {
        let (properties, says) = Self.columns[index]
        let found = refusal { try DataContract.read(parse(contract(properties))) }
        #expect(found.contains(says) && found.hasPrefix("test.yaml:"), "\(properties): \(found)")
    }

    static let heads: [(replace: String, with: String, says: String)] = [
        ("kind: DataContract", "kind: Contract", "kind: DataContract"), ("v3.1.0", "v2.2.2", "ODCS v3"), ("id: t", "ids: t", "'id' is missing"),
        ("status: active", "stat: active", "unknown key"), ("  - name: rows\n    properties:", "  - name: rows\n    quality: []\n    properties:", "not built"),
        ("  - name: rows", "  - name: more\n    properties: [{name: a, logicalType: string}]\n  - name: rows", "exactly one table"),
        ("  - name: rows", "  - name: rows\n    logicalType: array", "'object'"), ("  - name: rows", "  - name: rows\n    propertys: 1", "unknown key"),
    ]

    @Test(arguments: heads.indices) func refusesHeads(_ index: Int) {
        let (old, new, says) = Self.heads[index]
        let found = refusal { try DataContract.read(parse(contract("- {name: a, logicalType: string}").replacing(old, with: new))) }
        #expect(found.contains(says), "\(new): \(found)")
    }

    @Test func requiredByRule() throws {
        let read = try DataContract.read(parse(contract("- {name: a, logicalType: string, quality: [{metric: nullValues, mustBe: 0, dimension: completeness}]}")))
        #expect(read.columns[0].required)
    }

    @Test func promise5_aRequestContractThatPromisesLessIsRefused() throws {
        let trained = Column(name: "n", type: .number, required: true, minimum: 0, maximum: 10, role: .feature)
        let text = Column(name: "c", type: .string, allowed: ["x", "y"], role: .feature)
        let signature = try ModelSignature(trainingContract: DataContract(id: "t", name: "t", version: "1", columns: [trained, text]))
        func found(_ change: (inout Column, inout Column) -> Void) -> [String] {
            var n = trained, c = text
            change(&n, &c)
            return weakening(of: signature, by: DataContract(id: "r", name: "r", version: "1", columns: [c, n]))
        }
        #expect(found { _, _ in }.isEmpty)
        let fine: [(inout Column, inout Column) -> Void] = [
            { n, _ in n.minimum = 1 }, { n, _ in n.maximum = 9 }, { n, _ in n.type = .integer }, { _, c in c.required = true }, { _, c in c.allowed = ["y"] },
        ]
        for change in fine { #expect(found(change).isEmpty) }
        let weak: [((inout Column, inout Column) -> Void, String)] = [
            ({ n, _ in n.minimum = -1 }, "-1 to 10"), ({ n, _ in n.minimum = nil }, "at most 10"), ({ n, _ in n.maximum = 11 }, "0 to 11"),
            ({ n, _ in n.maximum = nil }, "at least 0"), ({ n, _ in n.required = false }, "may be null"), ({ n, _ in n.type = .string }, "is a string"),
            ({ n, _ in n.type = .boolean }, "is a boolean"), ({ n, _ in n.name = "m" }, "omits"), ({ n, _ in n.role = .none }, "role none"),
            ({ _, c in c.allowed = ["x", "z"] }, "allows z"), ({ _, c in c.allowed = nil }, "any text"), ({ _, c in c.type = .number }, "is a number"),
        ]
        for (change, says) in weak {
            let sentences = found(change)
            #expect(sentences.count == 1 && sentences[0].contains(says), "\(sentences)")
        }
        let both = found { n, c in (n.required, c.allowed) = (false, nil) }
        #expect(both.count == 2)
        let loose = DataContract(id: "r", name: "r", version: "1", columns: [trained])
        #expect(refusal { try RowAdmission(signature: signature, request: loose) }.contains("omits"))
    }

    @Test func digestCoversEveryFact() throws {
        let base = Column(name: "a", type: .number, minimum: 0, role: .feature)
        func digest(_ columns: [Column]) throws -> Digest {
            try ModelSignature(trainingContract: DataContract(id: "t", name: "t", version: "1", columns: columns)).digest
        }
        let changes: [(inout Column) -> Void] = [
            { $0.name = "b" }, { $0.type = .integer }, { $0.required = true }, { $0.minimum = nil }, { $0.minimum = 1 }, { $0.maximum = 0 }, { $0.allowed = [] },
            { $0.allowed = ["x", "y"] }, { $0.allowed = ["y", "x"] }, { $0.allowed = ["xy"] },
        ]
        var digests: Set<Digest> = [try digest([base])]
        for change in changes {
            var column = base
            change(&column)
            #expect(digests.insert(try digest([column])).inserted)
        }
        #expect(digests.insert(try digest([base, base])).inserted)
        var other = base
        other.privacy = .public
        #expect(try digest([other]) == digest([base]))
        #expect(throws: ContractError.self) { try digest([Column(name: "a", type: .number)]) }
    }
}
