package demo

// Names to make people of. They are drawn at random and mean nobody.

var givenNames = []string{
	"Aaliyah", "Abigail", "Adaeze", "Aisling", "Alfie", "Amelie", "Anya", "Arlo", "Asha", "Aurelia", "Ayaan", "Beatrix", "Benji", "Bronwen",
	"Callum", "Carys", "Casper", "Chidi", "Clementine", "Cosmo", "Daisy", "Darius", "Delphine", "Dev", "Dominik", "Ebony", "Edie", "Eirlys",
	"Elias", "Elowen", "Emeka", "Esme", "Ezra", "Farida", "Fern", "Finlay", "Freya", "Gethin", "Greta", "Gus", "Hamza", "Hanna", "Hari",
	"Harriet", "Hector", "Hiba", "Hugo", "Ibrahim", "Imani", "Indigo", "Iris", "Isaac", "Isla", "Ivo", "Jago", "Jamila", "Jasper", "Jemima",
	"Jin", "Jonah", "Juno", "Kacper", "Kaia", "Kavya", "Keir", "Kitty", "Kwame", "Lachlan", "Laila", "Leila", "Lennox", "Lowri", "Ludo",
	"Mabel", "Magnus", "Maja", "Malachi", "Marnie", "Matilda", "Mehmet", "Mina", "Mirren", "Morgan", "Nadira", "Nell", "Niamh", "Nikhil",
	"Noor", "Odette", "Olek", "Omari", "Orla", "Oskar", "Otis", "Pavel", "Pearl", "Phoebe", "Pippa", "Priti", "Quentin", "Rafi", "Reuben",
	"Rhiannon", "Robin", "Rohan", "Romilly", "Rosa", "Rufus", "Saffron", "Saoirse", "Seren", "Shanice", "Sholto", "Sienna", "Sofia", "Soren",
	"Tabitha", "Taiwo", "Tamsin", "Tariq", "Teddy", "Thea", "Theo", "Tilly", "Tomasz", "Uma", "Viola", "Wilf", "Winifred", "Xanthe", "Yara",
	"Yusuf", "Zadie", "Zain", "Zofia", "Zuri",
}

var grownNames = []string{
	"Adeola", "Agnieszka", "Alasdair", "Angharad", "Annika", "Ashok", "Barnaby", "Bernadette", "Cerys", "Clive", "Colm", "Deepa", "Desmond",
	"Eilidh", "Elspeth", "Farouk", "Fenella", "Fergus", "Gillian", "Glenda", "Graham", "Hamish", "Hilary", "Ines", "Ivana", "Jarek", "Joyce",
	"Kamala", "Keith", "Kwabena", "Lorna", "Ludmila", "Malcolm", "Maureen", "Merlin", "Mohsin", "Moira", "Nesta", "Neville", "Ngozi", "Olwen",
	"Parveen", "Patience", "Piotr", "Rashid", "Rhodri", "Rosalind", "Roshni", "Sandeep", "Seamus", "Shirin", "Sunita", "Tegan", "Trevor",
	"Una", "Vikram", "Wanda", "Winston", "Yetunde", "Zahra",
}

var familyNames = []string{
	"Abernethie", "Adeyinka", "Alderwick", "Amphlett", "Ardizone", "Bainbrigge", "Balogun-Hyde", "Bellweather", "Birchenall", "Blacklaws",
	"Bramhall", "Brightwen", "Broadhurst", "Bukowczyk", "Calderbank", "Carrowmore", "Chakrabarty-Low", "Chidlow", "Cobbledick", "Coldwell",
	"Copplestone", "Crabtree", "Cresswick", "Culpitt", "Dalgarno", "Danquah-Reid", "Dewsnap", "Dhillon-Pace", "Doubleday", "Dunkeswell",
	"Eastaway", "Edgecumbe", "Ekwueme", "Ellerby", "Entwhistle", "Fairweather", "Farthingale", "Fazakerley", "Featherstone", "Fernihough",
	"Ferrywell", "Fothergill", "Gaskarth", "Ghorbani", "Gilderdale", "Glazebrook", "Goldthorpe", "Gorecka", "Greatorex", "Grindrod",
	"Guptara", "Hallowes", "Hardcastle", "Haverstock", "Hazelhurst", "Heatherington", "Hollingbery", "Holroyd-Ray", "Honeychurch", "Hussainy",
	"Ibekwe", "Inglethorpe", "Jankowiak", "Jellicoe", "Kaczmarek-Dee", "Kempthorne", "Killigrew", "Kirkbride", "Lambourne", "Lanyon",
	"Larkspur", "Leadbetter", "Lightbody", "Lindqvist", "Longbottom", "Loveridge", "Lythgoe", "Makepeace", "Malhotri", "Mapplebeck",
	"Meadowcroft", "Merryweather", "Micklethwait", "Moravcik", "Mukherji", "Musgrave", "Nettlefold", "Ngubane", "Nightingale", "Oakenfull",
	"Obafemi", "Oglethorpe", "Okwuosa", "Osterley", "Pakenham", "Parminter", "Pemberley", "Pennyfeather", "Pickersgill", "Plumtree",
	"Postlethwaite", "Quartermain", "Quennell", "Rainsford", "Ramsbottom", "Ravenscroft", "Rezaei-Holt", "Roebuck", "Rosewarne", "Rowbotham",
	"Sallowfield", "Scattergood", "Shackleford", "Shufflebottom", "Silverwood", "Skeffington", "Sobolewska", "Spofforth", "Starkweather",
	"Stonehewer", "Summerscale", "Swarbrick", "Szczepanik", "Tattersall", "Thistleton", "Threlfall", "Tinniswood", "Treloar", "Trevelyon",
	"Tunnicliffe", "Uddin-Vale", "Underhay", "Vassiliou", "Wainscott", "Waterfield", "Weatherall", "Whitelegge", "Widdowson", "Winterbourne",
	"Woolstencroft", "Wrigglesworth", "Yarborough", "Yellowlees", "Zielonka",
}
