"""What is sold: eight categories of five families in five sizes, 200 products."""

from dataclasses import dataclass

ROOT_CATEGORY = "Technical Supplies"
ROOT_MANAGER = "purchasing_manager"


@dataclass(frozen=True)
class Category:
    """``families``: (name with a place for the size, sizes, cost of the smallest, growth per size)."""

    code: str
    name: str
    manager: str
    families: tuple


@dataclass(frozen=True)
class Product:
    """``cost`` and ``price`` per unit in company currency."""

    code: str
    name: str
    category: str
    cost: float
    price: float


CATEGORIES = (
    Category(
        "FAS",
        "Fasteners",
        "category_manager",
        (
            ("Hex Bolt {} 8.8 Zinc (box of 100)", ("M6×30", "M8×40", "M10×50", "M12×60", "M16×80"), 9.4, 1.45),
            ("Hex Nut {} DIN 934 (box of 200)", ("M6", "M8", "M10", "M12", "M16"), 6.2, 1.4),
            ("Socket Cap Screw {} A2 (box of 50)", ("M5×20", "M6×25", "M8×30", "M10×40", "M12×50"), 11.8, 1.35),
            ("Threaded Rod {} 1 m", ("M8", "M10", "M12", "M16", "M20"), 2.9, 1.5),
            ("Wedge Anchor {} (box of 25)", ("M8×75", "M10×90", "M12×110", "M16×145", "M20×170"), 18.5, 1.4),
        ),
    ),
    Category(
        "BRG",
        "Bearings and Seals",
        "category_manager",
        (
            ("Deep Groove Ball Bearing {}", ("6204-2RS", "6205-2RS", "6206-2RS", "6208-2RS", "6310-2RS"), 5.6, 1.45),
            ("Pillow Block Unit {}", ("UCP204", "UCP205", "UCP206", "UCP208", "UCP210"), 14.9, 1.3),
            ("Tapered Roller Bearing {}", ("30204", "30206", "30208", "32210", "32212"), 12.4, 1.42),
            ("Radial Shaft Seal {}", ("20×35×7", "25×47×7", "30×52×7", "40×62×8", "50×72×8"), 1.9, 1.35),
            ("O-Ring Kit NBR {}", ("200 pcs", "300 pcs", "400 pcs", "480 pcs", "700 pcs"), 13.5, 1.28),
        ),
    ),
    Category(
        "PTR",
        "Power Transmission",
        "category_manager",
        (
            ("V-Belt SPA {}", ("1000", "1250", "1600", "2000", "2500"), 8.8, 1.22),
            ("Roller Chain {} 5 m", ("06B-1", "08B-1", "10B-1", "12B-1", "16B-1"), 21.0, 1.38),
            ("Jaw Coupling {}", ("GR 19", "GR 24", "GR 28", "GR 38", "GR 42"), 26.0, 1.45),
            ("Helical Gear Motor {}", ("0.37 kW", "0.75 kW", "1.5 kW", "3.0 kW", "5.5 kW"), 318.0, 1.38),
            ("Timing Pulley {}", ("16-5M", "24-5M", "32-8M", "48-8M", "64-8M"), 9.9, 1.4),
        ),
    ),
    Category(
        "FLU",
        "Pneumatics and Hydraulics",
        "category_manager",
        (
            ("Pneumatic Cylinder ISO 15552 {}", ("32×50", "40×100", "50×125", "63×160", "80×200"), 44.0, 1.32),
            ("Solenoid Valve 5/2 {}", ("G1/8", "G1/4", "G3/8", "G1/2", "G3/4"), 31.0, 1.25),
            ("Push-in Fitting {} (bag of 10)", ("4 mm", "6 mm", "8 mm", "10 mm", "12 mm"), 8.4, 1.2),
            ("Hydraulic Hose 2SN {} 10 m", ("DN06", "DN08", "DN10", "DN12", "DN16"), 39.0, 1.24),
            ("Hydraulic Gear Pump {}", ("4 cc", "8 cc", "11 cc", "16 cc", "22 cc"), 96.0, 1.18),
        ),
    ),
    Category(
        "ELE",
        "Electrical and Automation",
        "purchasing_manager",
        (
            ("Motor Contactor {}", ("9 A", "12 A", "18 A", "25 A", "40 A"), 17.5, 1.3),
            ("Variable Frequency Drive {}", ("0.75 kW", "1.5 kW", "2.2 kW", "4.0 kW", "7.5 kW"), 189.0, 1.33),
            ("Inductive Sensor {}", ("M8 NPN", "M8 PNP", "M12 PNP", "M18 PNP", "M30 PNP"), 19.9, 1.15),
            ("Control Cable {} 100 m", ("3G0.75", "3G1.5", "5G1.5", "7G1.5", "12G1.5"), 58.0, 1.34),
            ("Power Supply 24 V DC {}", ("1.5 A", "2.5 A", "5 A", "10 A", "20 A"), 27.0, 1.38),
        ),
    ),
    Category(
        "TOO",
        "Tools",
        "purchasing_manager",
        (
            ("Combination Spanner Set {}", ("8 pcs", "12 pcs", "16 pcs", "20 pcs", "26 pcs"), 24.0, 1.36),
            ("Torque Wrench {}", ("5-25 Nm", "20-100 Nm", "40-200 Nm", "60-330 Nm", "150-750 Nm"), 62.0, 1.35),
            ("Cordless Drill {}", ("12 V", "18 V", "18 V brushless", "18 V hammer", "36 V SDS"), 78.0, 1.28),
            ("HSS-E Drill Bit Set {}", ("13 pcs", "19 pcs", "25 pcs", "41 pcs", "51 pcs"), 29.0, 1.33),
            ("Angle Grinder {}", ("115 mm", "125 mm", "150 mm", "180 mm", "230 mm"), 49.0, 1.2),
        ),
    ),
    Category(
        "PPE",
        "Safety and Protection",
        "category_manager",
        (
            ("Safety Shoe S3 Size {}", ("39", "41", "42", "43", "45"), 38.0, 1.01),
            ("Nitrile Gloves {} (box of 100)", ("S", "M", "L", "XL", "XXL"), 6.4, 1.03),
            ("Cut Resistant Gloves Level {}", ("B", "C", "D", "E", "F"), 4.2, 1.3),
            ("Half Mask Respirator {}", ("S", "M", "L", "with A2P3", "full face"), 14.0, 1.4),
            ("Hearing Protection {}", ("22 dB", "27 dB", "30 dB", "33 dB", "35 dB with radio"), 9.5, 1.45),
        ),
    ),
    Category(
        "LUB",
        "Lubricants and Chemicals",
        "",
        (
            ("Bearing Grease LGMT2 {}", ("0.4 kg", "1 kg", "5 kg", "18 kg", "50 kg"), 7.9, 2.1),
            ("Hydraulic Oil HLP 46 {}", ("5 l", "20 l", "60 l", "205 l", "1000 l"), 16.5, 2.35),
            ("Thread Locker Medium {}", ("10 ml", "24 ml", "50 ml", "100 ml", "250 ml"), 5.1, 1.7),
            ("Cutting Fluid {}", ("1 l", "5 l", "20 l", "60 l", "205 l"), 8.8, 2.4),
            ("Brake Cleaner {}", ("500 ml", "12×500 ml", "5 l", "20 l", "60 l"), 2.6, 2.6),
        ),
    ),
)


def make_products(rng):
    """All products, with costs a little off the round values."""
    products = []
    for category in CATEGORIES:
        number = 100
        for pattern, sizes, cost, growth in category.families:
            for step, size in enumerate(sizes):
                number += 1
                exact = round(cost * growth**step * rng.uniform(0.97, 1.03), 2)
                price = round(exact * rng.uniform(1.28, 1.55), 2)
                products.append(Product(f"{category.code}-{number}", pattern.format(size), category.code, exact, price))
            number += 5
    return products
