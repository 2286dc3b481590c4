"""What does this program really compute?"""
